#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packages of one call overlap but for their steps, and nobody can tell: what is said is what each says alone, in order, and whoever is killed or
# stopped leaves nothing. (tests/crash/batch.t is crueler.)
. "$(dirname "$0")/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
step() { wpk "$1" - <<< "    - {name: it, type: shell, config: {command: \"$2\"}}"; }
wpk one; wpk two; wpk three; wpk four
step failing 'exit 3'
step danger 'rm -rf /'
step wordy 'seq 1 300000'
step slow 'echo begun; sleep 60'
step nap 'sleep 3'
wpk undone - <<'YAML'
    - {name: no, type: shell, config: {command: "exit 3"}}
  rollback:
    handlers:
      - {name: undo, type: shell, config: {command: "echo undone"}}
YAML
sed -i 's/rollback_enabled: false/rollback_enabled: true/' undone.wpk.yaml
echo 'kind: nonsense' > bad.wpk.yaml
mixed="one.wpk.yaml failing.wpk.yaml bad.wpk.yaml two.wpk.yaml missing.wpk.yaml danger.wpk.yaml undone.wpk.yaml wordy.wpk.yaml three.wpk.yaml failing.wpk.yaml"

# ---- what is said

# What differs from run to run: names, moments, measures, and what depends on them.
cat > normal.py <<'PY'
import json, re, sys
def plain(x, key=""):
    if isinstance(x, dict):
        return {k: plain(v, k) for k, v in x.items() if not re.search("second|series|pressure|time|started|ended|peak|cpu|io_|_io|usage|cleanup|size|digest|bytes", k)}
    if isinstance(x, list):
        return [plain(v, key) for v in x]
    if isinstance(x, str):
        return re.sub(r"[0-9.]+ ?(ms|s|us|MiB|KiB)\b", "N", re.sub("r-[a-z2-7]{26}", "RUN", x))
    return x
json.dump([plain(json.load(open(f))) for f in sys.argv[1:]], sys.stdout, indent=1, sort_keys=True)
PY
plain_text() { sed -E 's/r-[a-z2-7]{10,26}/RUN/g; s/[0-9.]+ ?(ms|s|m[0-9]+s)\b/N/g; s/[0-9.]+ ?[KMG]iB/N/g; s/^Cleanup: .*/Cleanup/' "$@"; }

n=0 worst=0
for package in $mixed; do
	n=$((n + 1))
	run run $package --format=json; cp "$out" "single.$n"; cat "$err" >> singles.err
	"$SANDBOX_RUNNER" run $package >> singles.text 2>&1 < /dev/null
	"$SANDBOX_RUNNER" run $package --quiet >> singles.quiet 2> /dev/null < /dev/null
done
run run $mixed --format=json; status 3 "ten packages, with invalid, missing, blocked and failing ones among them"
python3 - "$out" <<'PY'
import json, sys
for n, r in enumerate(json.load(open(sys.argv[1])), 1): json.dump(r, open("batch.%d" % n, "w"))
PY
for i in $(seq 1 $n); do python3 normal.py "single.$i" > a; python3 normal.py "batch.$i" > b; diff a b >> difference 2>&1 || echo "package $i" >> difference; done
ok "each result is what it is alone" test ! -s difference; [ -s difference ] && head -20 difference | sed 's/^/# /'
ok "so is standard error" diff <(plain_text singles.err) <(plain_text "$err")
"$SANDBOX_RUNNER" run $mixed > both 2>&1 < /dev/null
ok "text and chatter in one file: in the same order, word for word" diff <(plain_text singles.text) <(sed '/^Runs$/,$d' both | sed '$d' | plain_text)
run run $mixed; ok "and apart" diff <(plain_text singles.text | sort) <(cat "$err" <(sed '/^Runs$/,$d' "$out" | sed '$d') | plain_text | sort)
run run $mixed --quiet; ok "quiet" diff <(plain_text singles.quiet) <(plain_text "$out")
run history --format=json; json '[r["package"] for r in d["runs"]][-7:] == ["one-1.0.0", "failing-1.0.0", "two-1.0.0", "undone-1.0.0", "wordy-1.0.0", "three-1.0.0", "failing-1.0.0"]' "the history has them in order"
run run one.wpk.yaml wordy.wpk.yaml wordy.wpk.yaml wordy.wpk.yaml --format=ndjson; status 0 "much to say"
python3 -c 'import json, sys
said = "".join(json.loads(l).get("text") or "" for l in sys.stdin if "step.output" in l)
sys.exit(said != "hello\n" + 3 * "".join("%d\n" % i for i in range(1, 300001)))' < "$out"; result $? "all of it, in order"
left_nothing "packages that overlap"

# ---- in which order

run run one.wpk.yaml two.wpk.yaml undone.wpk.yaml three.wpk.yaml one.wpk.yaml nap.wpk.yaml four.wpk.yaml two.wpk.yaml --format=ndjson; status 1 "eight as NDJSON"
cat > order.py <<'PY'
import json, sys
runs, order = {}, []
for e in map(json.loads, open(sys.argv[1])):
    if e["run_id"] not in runs: order.append(e["run_id"])
    runs.setdefault(e["run_id"], []).append(e)
steps = [[e["time"] for e in runs[r] if e["type"].startswith("step.")] for r in order]
ready = [[e["time"] for e in runs[r] if e["type"] == "sandbox.create"][0] for r in order]
assert len(order) == 8 and all([e["seq"] for e in runs[r]] == list(range(1, len(runs[r]) + 1)) for r in order), "a stream of each"
assert all(max(a) <= min(b) for a, b in zip(steps, steps[1:])), "steps overlap"
assert len([e for e in runs[order[2]] if e["type"] == "rollback.start"]) == 1
assert ready[6] < max(steps[5]), "nothing overlaps"
PY
ok "no step before the last of the package before, rollback included; but a sandbox is made while another package takes a nap" python3 order.py "$out"
run run one.wpk.yaml nap.wpk.yaml nap.wpk.yaml nap.wpk.yaml --timeout=5s --format=json; status 0 "the deadline does not count what others take"
json 'all(r["duration_seconds"] < 5 for r in d)' "nor does the duration"

# ---- signals and stop

children() { grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2> /dev/null | cut -d/ -f3; }
alive() { "$SANDBOX_RUNNER" ps --format=json 2> /dev/null | python3 -c 'import json,sys
for r in json.load(sys.stdin)["runs"]: print(r["pid"], r["run_id"], r["package"], (r["doing"] or "waits").split()[0])'; }
pid_of() { alive | awk -v p="$1-1.0.0" '$3 == p { print $1 }'; }
until_ready() {	# slow is at its step, what comes after it waits
	local i; for i in $(seq 1 200); do alive > now; grep -q 'slow-1.0.0 step' now && grep -q "$1-1.0.0 waits\|$1-1.0.0 starting" now && return; sleep 0.05; done; return 1
}
gone() { local i; for i in $(seq 1 100); do [ -z "$(for p in "$@"; do [ -d "/proc/$p" ] && echo "$p"; done)" ] && return; sleep 0.05; done; return 1; }
begin() { start run one.wpk.yaml slow.wpk.yaml two.wpk.yaml three.wpk.yaml "$@"; until_ready two; result $? "${*:-text}: one runs, the next is ready"; }

for signal in INT TERM; do
	begin --format=json
	kill -$signal "$pid"; wait "$pid"; rc=$?
	status $((128 + $(kill -l $signal))) "$signal"
	json '[r["verdict"] for r in d] == ["verified", "cancelled", "error", "error"] and d[2] == {**d[2], "run_id": None, "verdict_reason": "not run: an earlier run was stopped"}' "what was ready is not run"
	err_is "" "and nothing is said of it"
	left_nothing "$signal"
done
begin; until_out begun; result $? "what the present one says can be read at once"
kill -INT "$pid"; wait "$pid"; rc=$?; status 130 "INT, text"
out_lacks "two 1.0.0" "nothing of the one that was ready"; out_has "4 runs: 1 acceptable, 1 not, 2 not run; exit status 130" "but that it was not run"
begin --format=json; run stop "$(awk '/slow/ { print $2 }' now)"; wait "$pid"; rc=$?
status 143 "stop of the present one"; left_nothing "stop"
begin --format=json; cp "$out" kept.out; "$SANDBOX_RUNNER" stop "$(awk '/two/ { print $2 }' now)" > /dev/null 2>&1; kill -TERM "$(pid_of slow)"; wait "$pid"; rc=$?
status 143 "stop of the one that is ready, then of the present one"; json '[r["verdict"] for r in d][:2] == ["verified", "cancelled"] and d[3]["run_id"] is None' "and nothing after them"
left_nothing "stop of two"

# ---- killed

begin --format=json; kill -KILL "$(pid_of slow)"; wait "$pid"; rc=$?
status 137 "the process of the present run is killed"; err_has "the run of 'slow.wpk.yaml' was lost: its process was killed by signal 9" "which is said"
json '[r["verdict"] for r in d] == ["verified", "error", "verified", "verified"] and d[1]["error"]["code"] == "internal" and d[1]["run_id"] and d[1]["cleanup"]["complete"]' "the others are run, when all of it is gone"
left_nothing "a worker killed at its step"
begin; kill -KILL "$(pid_of two)"; sleep 0.2; kill -TERM "$(pid_of slow)"; wait "$pid"; rc=$?
status 143 "the process of the one that is ready is killed, then the present run stopped"
out_matches '^   3  two.wpk.yaml +lost ' "it is told as lost"; out_matches '^   4  three.wpk.yaml +not run$' "the rest as not run"
left_nothing "a worker killed while it waits"
begin; workers=$(children "$pid"); kill -KILL "$pid"; wait "$pid" 2> /dev/null
ok "the parent is killed: its workers end" gone $workers; until_nothing_left "and their reapers clean up"

# ---- where it has to hold

many=$(for i in $(seq 1 100); do echo one.wpk.yaml; done)
( ulimit -n 64; run run $many --format=json; echo "$rc" > many.rc ); rc=$(cat many.rc)
status 0 "a hundred packages with 64 descriptors"; json 'len(d) == 100 and {r["verdict"] for r in d} == {"verified"} and len({r["run_id"] for r in d}) == 100' "a hundred runs"
( ulimit -u 2; run run one.wpk.yaml two.wpk.yaml three.wpk.yaml --quiet; echo "$rc" > few.rc ); rc=$(cat few.rc)	# root is not held to it
[ "$rc" = 5 ] || [ "$rc" = 0 ]; result $? "where processes are scarce it ends all the same (exit $rc)"
"$SANDBOX_RUNNER" run one.wpk.yaml one.wpk.yaml > /dev/full 2> full.two < /dev/null; two=$?
"$SANDBOX_RUNNER" run one.wpk.yaml one.wpk.yaml one.wpk.yaml one.wpk.yaml > /dev/full 2> full.four < /dev/null; rc=$?
status $two "a full disk"; ok "is said by each, and at the end" test "$(grep -c "cannot write to standard output" full.four)" = $(($(grep -c "cannot write to standard output" full.two) + 2))
"$SANDBOX_RUNNER" run one.wpk.yaml one.wpk.yaml >&- 2> full.two < /dev/null; two=$?
"$SANDBOX_RUNNER" run one.wpk.yaml one.wpk.yaml one.wpk.yaml --format=ndjson >&- 2> full.four < /dev/null; rc=$?; status $two "closed standard output"
{ "$SANDBOX_RUNNER" run one.wpk.yaml wordy.wpk.yaml one.wpk.yaml one.wpk.yaml 2> "$err" < /dev/null; echo $? > head.rc; } | head -c 10 > /dev/null; rc=$(cat head.rc)
status 141 "a reader that goes away"; err_is "" "is no trouble"
left_nothing "all of it"
finish
