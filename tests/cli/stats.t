#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stats: what the history says about each workflow, counted a second time by Python.
. "$(dirname "$0")/lib.sh"
state=$work/state

run stats; status 0 "no history"; out_is "" "is empty"; err_has "no run is kept" "and says so"
run stats --quiet; err_is "" "--quiet says nothing"
run stats --format=json; json 'd["workflows"] == [] and d["since"] is None and d["all"]["runs"] == 0 and d["all"]["success_rate"] is None and d["all"]["duration_seconds"] is None'
ok "looking makes nothing" test -z "$(ls -A "$state")"

# real runs
(	unset SANDBOX_RUNNER_TEST_TIME
	wpk good; wpk failing - <<< '    - {name: no, type: shell, config: {command: "exit 3"}}'
	wpk killed - <<< '    - {name: no, type: shell, config: {command: "kill -SEGV $$"}}'
	wpk slow - <<< '    - {name: slow, type: shell, config: {command: "sleep 60"}}'
	for p in good good failing killed; do "$SANDBOX_RUNNER" --wpk=$p.wpk.yaml --quiet; done
	"$SANDBOX_RUNNER" --wpk=slow.wpk.yaml --timeout=1s --quiet ) > "$out" 2> "$err"
run stats --format=json; status 0 "stats of real runs"
json '[(w["workflow"], w["runs"], w["judged"], w["succeeded"], w["success_rate"]) for w in d["workflows"]] == [("failing-1.0.0", 1, 1, 0, 0), ("good-1.0.0", 2, 2, 2, 1), ("killed-1.0.0", 1, 1, 0, 0), ("slow-1.0.0", 1, 1, 0, 0)]' "success"
json '[w["verdicts"] for w in d["workflows"]] == [{"failed": 1}, {"verified": 2}, {"failed": 1}, {"deadline": 1}]' "verdicts"
json 'd["all"]["failures"] == {"shell/exit_status": 1, "shell/signal": 1}' "failures by the kind of step and cause"
json 'd["all"]["cleanup_failures"] == 0 and d["all"]["escape_attempts"] == 0' "all was cleaned up"
json 'all(w["duration_seconds"]["p50"] > 0 for w in d["workflows"]) and d["all"]["duration_seconds"]["max"] > 0.9' "durations are real"
run stats; out_matches '^failing-1\.0\.0 +1 +0\.0%' "a row"; out_has '    shell/exit_status 1' "why it failed"; out_matches '^all +5 +40\.0%' "and all"
run stats --package=good; ok "--package" test "$(wc -l < "$out")" = 2; out_lacks failing "takes only what begins so"; out_lacks "all " "and needs no sum"
run stats --package=nope; out_is "" "a workflow that never ran"; err_has "no run of 'nope' is kept" "is said"

# many, made up
python3 - "$state" <<'PY'
import json, random, sys
random.seed(7)
now = 1763700000 * 10**9	# the fixed clock of the tests
verdicts = ["verified"] * 60 + ["partial"] * 5 + ["nothing_executed"] * 5 + ["failed"] * 15 + ["limit"] * 5 + ["deadline"] * 3 + ["cancelled"] * 5 + ["error"] * 2
with open(sys.argv[1] + "/history.ndjson", "w") as f:
    for i in range(9000):
        v = random.choice(verdicts)
        r = {"run_id": "r-%d" % i, "package": random.choice([None] + ["w%d-1.0.0" % n for n in range(40)] + ["long-" * 12 + "1.0.0", "\u00e4-\u202e-\x1b[31m"]),
             "source": "x", "where": "container (native)", "verdict": v, "status": 0, "started_ns": now - random.randrange(1, 40 * 86400) * 10**9,
             "duration_ns": random.randrange(1, 10**random.randrange(5, 13)), "memory_peak_bytes": random.choice([0, random.randrange(1, 10**9)]),
             "cleanup_complete": random.random() < 0.99}
        if v in ("failed", "limit", "error"):
            r["failure"] = random.choice(["shell/exit_status", "shell/signal", "http/timed_out", "k8s/memory", "escape_attempt", "error/unavailable"])
        if random.random() < 0.02:
            r["escape_attempts"] = random.randrange(1, 9)
        if v == "failed" and i % 50 == 0:
            r["kept_until_ns"] = now + 10**12	# its keeper is no more
        f.write(json.dumps(r, separators=(",", ":") if i % 10 else None) + "\n")
PY
cat > oracle.py <<'PY'
import json, math, sys
d = json.load(open(sys.argv[1])); since = int(sys.argv[3]); prefix = sys.argv[4]
runs = [json.loads(l) for l in open(sys.argv[2])]
runs = [r for r in runs if r["started_ns"] >= since and (not prefix or (r["package"] or "").startswith(prefix))]
def near(a, b): return abs(a - b) <= 1e-6
def count(words):
    c = {}
    for w in words: c[w] = c.get(w, 0) + 1
    return c
def check_durations(d, judged):
    for p in (50, 90, 99): assert near(d["p%d" % p], judged[math.ceil(p / 100 * len(judged)) - 1] / 1e9), p
    assert near(d["average"], sum(judged) // len(judged) / 1e9) and near(d["max"], judged[-1] / 1e9)
def check(s, runs):
    judged = sorted(r["duration_ns"] for r in runs if r["verdict"] not in ("cancelled", "nothing_executed"))
    good = sum(r["verdict"] in ("verified", "partial") for r in runs)
    memory = [r["memory_peak_bytes"] for r in runs if r["memory_peak_bytes"]]
    assert (s["runs"], s["judged"], s["succeeded"]) == (len(runs), len(judged), good)
    if judged: check_durations(s["duration_seconds"], judged)
    assert near(s["success_rate"], good / len(judged)) if judged else s["success_rate"] is s["duration_seconds"] is None
    assert s["memory_peak_bytes"] == ({"average": sum(memory) // len(memory), "max": max(memory)} if memory else None)
    assert s["verdicts"] == count(r["verdict"] for r in runs) and s["failures"] == count(r["failure"] for r in runs if "failure" in r)
    assert list(s["verdicts"].values()) == sorted(s["verdicts"].values(), reverse=True)
    assert s["cleanup_failures"] == sum(not r["cleanup_complete"] for r in runs)
    assert s["escape_attempts"] == sum(r.get("escape_attempts", 0) for r in runs)
check(d["all"], runs)
names = sorted({r["package"] or "" for r in runs}, key=lambda n: n.encode())
assert [w["workflow"] or "" for w in d["workflows"]] == names
for w in d["workflows"]: check(w, [r for r in runs if r["package"] == w["workflow"]])
PY
oracle() { python3 oracle.py "$out" "$state/history.ndjson" "$1" "$2" 2>> "$err"; result $? "$3"; }
run stats --format=json; status 0 "stats of thousands"; oracle 0 "" "Python counts the same"
json 'd["since"] is None and d["all"]["last"].startswith("2025-11-2")' "times"
run stats --format=json --since=7d; oracle $(( (1763700000 - 7 * 86400) * 1000000000 )) "" "--since"
json 'd["since"] == "2025-11-14T04:40:00.000Z"' "which it says"
run stats --format=json --since=12h --package=w1; oracle $(( (1763700000 - 12 * 3600) * 1000000000 )) "w1" "--since with --package"
run stats; status 0 "as text"
ok "no line has more than 100 columns" test "$(python3 -c 'import sys; print(max(len(l.rstrip("\n")) for l in open(sys.argv[1])))' "$out")" -le 100
out_lacks $'\x1b' "names are made harmless"; out_has '\u202e' "and shown"
ok "rows are aligned" test "$(python3 -c 'import sys; print(len({len(l) for l in open(sys.argv[1]) if l[:4] != "    "}))' "$out")" = 1
ok "sorted by name" test "$(grep -o '^w[0-9]*-' "$out")" = "$(grep -o '^w[0-9]*-' "$out" | LC_ALL=C sort)"
ok "with all of them at the end" test "$(grep -c '^all ' "$out")" = 1
out_matches '^    failed [0-9]+, ' "what did not pass"; out_matches 'clean-up not complete [0-9]+(, attempts to escape [0-9]+)?$' "and what else was wrong"
run stats --since=1s; out_is "" "nothing so lately"; err_has "no run that is kept fits" "is said"
for i in $(seq 1 200); do printf '{"run_id":"r-x%d","verdict":"word-%d","package":"odd","started_ns":1}\n' "$i" "$i"; done > "$state/history.ndjson"
run stats --format=json; json 'len(d["all"]["verdicts"]) <= 64 and sum(d["all"]["verdicts"].values()) == 200' "words that somebody made up do not pile up"
for bad in --since=0 --since=x --format=xml extra; do run stats $bad; status 2 "stats $bad"; done
left_nothing "all of it"
finish
