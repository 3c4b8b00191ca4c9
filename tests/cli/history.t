#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What finished runs leave, and what can be seen of those that are alive: history, logs, ps.
. "$(dirname "$0")/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
state=$work/state
wpk good
wpk failing - <<< '    - {name: no, type: shell, config: {command: "echo to-stdout; printf \"\\\\033[31mred\\\\n\" >&2; exit 3"}}'
wpk three - <<'YAML'
    - {name: one, type: shell, config: {command: "echo first"}}
    - {name: two, type: shell, config: {command: "printf 'a\tb\nno newline'"}}
    - {name: three, type: shell, config: {command: "false"}}
YAML
wpk loud - <<< '    - {name: loud, type: shell, config: {command: "seq 1 60000"}}'
wpk slow - <<< '    - {name: slow, type: shell, config: {command: "echo begun; while [ ! -e stop ]; do sleep 0.1; done; echo ended"}}'

run history; status 0 "no history"; out_is "" "is empty"; err_has "no run is kept" "and says so"
run history --format=json; json 'd == {"runs": []}'
run ps; status 0 "no run"; out_is "" "is empty"
run ps --format=json; json 'd == {"runs": []}'
ok "looking makes nothing" test -z "$(ls -A "$state")"

run --wpk=good.wpk.yaml --no-history; status 0 "--no-history"
ok "it leaves no record" test ! -e "$state/history.ndjson" -a ! -e "$state/results"
run --wpk=good.wpk.yaml --format=json; good=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["run_id"])' "$out")
run --wpk=failing.wpk.yaml; status 1 "a run that fails"
failing=$(tail -n 1 "$state/history.ndjson" | grep -o 'r-[a-z2-7]*' | head -n 1)
ok "the history is ours alone" test "$(stat -c %a "$state/history.ndjson")" = 600
ok "the results too" test "$(stat -c %a "$state/results" "$state/results/$good.json" | tr '\n' ' ')" = "700 600 "
run history; status 0 "history"
out_matches "^20[0-9-]+T[0-9:]+Z  ${good:0:12}  good-1.0.0 +verified +[0-9.]+m?s +([0-9.]+[KM]i|-)" "the good one"
out_matches "  ${failing:0:12}  failing-1.0.0 +failed " "the failed one"
ok "the newest is last" test "$(tail -n 1 "$out" | grep -c failing)" = 1
run history --limit=1; ok "--limit" test "$(wc -l < "$out")" = 1; out_has failing "takes the newest"
run history good; ok "one workflow" test "$(wc -l < "$out")" = 1; out_has good-1.0.0 "is the one"
run history --format=json; json '[(r["package"], r["verdict"], r["exit_status"], r["cleanup_complete"]) for r in d["runs"]] == [("good-1.0.0", "verified", 0, True), ("failing-1.0.0", "failed", 1, True)]'
python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); sys.exit(d["verdict"] != "verified" or d["schema"] != "sandbox_runner/result")' "$state/results/$good.json"
result $? "the result is the whole JSON"

run logs "$good"; status 0 "logs"; out_is $'Step 1: hello ... passed\n    | hello' "they are the output"
run logs "${good:0:8}"; status 0 "an abbreviated id"
run logs "${good:2:6}"; status 0 "without r- too"
run logs r-; status 3 "an ambiguous one"; err_has "more than one run begins with 'r-'" "is named"
run logs nope; status 3 "none"; err_has "there is no run 'nope'" "is named"
run logs; status 2 "logs of nothing"; run logs a b; status 2 "logs of two"
run logs "$failing"; out_has '    | to-stdout' "stdout"; out_has '    ! \x1b[31mred' "stderr, made harmless"
run --wpk=three.wpk.yaml; three=$(tail -n 1 "$state/history.ndjson" | grep -o 'r-[a-z2-7]*' | head -n 1)
run logs --step=2 "$three"; out_is $'Step 2: two ... passed\n    | a    b\n    | no newline' "one step"
run logs --step=4 "$three"; status 3 "a step that is not there"; err_has "has no step 4" "is said"
for s in 0 x -1 1x rollback-; do run logs --step=$s "$three"; status 2 "--step=$s"; done
run --wpk=loud.wpk.yaml --quiet; loud=$(tail -n 1 "$state/history.ndjson" | grep -o 'r-[a-z2-7]*' | head -n 1)
run logs "$loud"; out_has "not all of 348894 bytes is kept; the end:" "what is not kept is said"; out_matches '^    \| 60000$' "the end is there"

# alive
start --wpk=slow.wpk.yaml; until_out begun
run ps; status 0 "ps"; out_matches "^r-[a-z2-7]{10}  slow-1.0.0 +[0-9.]+m?s +container \(native\) +step 1 slow" "of a run that is alive"
run ps --format=json; json '[(r["package"], r["state"], r["doing"], r["kept_until"]) for r in d["runs"]] == [("slow-1.0.0", "running", "step 1 slow/slow", None)] and d["runs"][0]["pid"] == '"$pid"
slow=$(grep -o 'r-[a-z2-7]*' "$out" | head -n 1)
run logs "$slow"; out_is $'Step 1: slow\n    | begun' "logs of a run that is alive"
run gc; out_has "1 run is alive and left alone" "gc leaves it"
"$SANDBOX_RUNNER" logs -f "$slow" > "$work/followed" 2>&1 & follower=$!
sleep 0.3; kill -TERM "$pid"; wait "$pid"; rc=$?; status 143 "ended"
timeout 5 tail --pid="$follower" -f /dev/null; wait "$follower"; rc=$?; status 0 "logs -f ends with the run"
ok "having told all" test "$(cat "$work/followed")" = $'Step 1: slow\n    | begun'
run ps; out_is "" "no run is alive"
run logs -f "$slow"; status 0 "-f of what has ended"; out_has begun "is the log"
run history slow; out_has "cancelled" "what was ended is in the history"

# filters
run history --verdict=failed --format=json; json 'len(d["runs"]) == 2 and all(r["verdict"] == "failed" for r in d["runs"])' "--verdict"
run history --package=three; ok "--package" test "$(wc -l < "$out")" = 1; out_has three-1.0.0 "is the operand"
run history --package=three three; status 2 "not both"
run history --verdict=fine; status 2 "a word that is no verdict"
run history --since=0; status 2 "--since=0"
run history --since=1h good; out_has good-1.0.0 "--since"
cp "$state/history.ndjson" "$work/saved"; sed -i 's/"started_ns":[0-9]*/"started_ns":1600000000000000000/' "$state/history.ndjson"
run history --since=1h; status 0 "--since of runs long ago"; out_is "" "lists none"; err_has "no run that is kept fits" "and says so"
mv "$work/saved" "$state/history.ndjson"

# what somebody did to the files
printf '{"run_id":"r-torn","verd' >> "$state/history.ndjson"
run --wpk=good.wpk.yaml; status 0 "a run after a torn line"
run history --format=json; json 'd["runs"][-1]["package"] == "good-1.0.0" and not any(r["run_id"] == "r-torn" for r in d["runs"])' "is there, the torn one is not"
printf 'x\n{}\n[]\n{"run_id":"../../etc/passwd","verdict":"x"}\n\0\n{"run_id":"r-a","verdict":7}\n' >> "$state/history.ndjson"
run history --format=json; status 0 "lines that are none"; json 'not any("passwd" in r["run_id"] for r in d["runs"])'
rm "$state/results/$good.json"; run logs "$good"; status 3 "a result that is gone"; err_has "no longer kept" "is said"
mv "$state/history.ndjson" "$work/saved"; echo theirs > "$work/theirs"; ln -s "$work/theirs" "$state/history.ndjson"
run --wpk=good.wpk.yaml; status 0 "a history that is a link"; err_has "the run is not in the history" "is not followed, and said"
ok "nothing was written there" test "$(cat "$work/theirs")" = theirs
rm "$state/history.ndjson"; mkdir "$state/history.ndjson"; run --wpk=good.wpk.yaml; status 0 "a history that is a folder"; err_has "not in the history" "is said"
rmdir "$state/history.ndjson"; mkfifo "$state/history.ndjson"; run --wpk=good.wpk.yaml; status 0 "a FIFO does not block"
rm "$state/history.ndjson"

# only the newest are kept: results of 200, lines of 10,000
python3 - "$state" <<'PY'
import json, os, sys
state = sys.argv[1]
with open(state + "/history.ndjson", "w") as f:
    for i in range(10400):
        id = "r-%026d" % i
        f.write(json.dumps({"run_id": id, "package": "old-%d" % i, "verdict": "verified", "status": 0, "started_ns": i + 1, "result_bytes": 3, "pad": "x" * 60}) + "\n")
        if i >= 10000:
            open(state + "/results/%s.json" % id, "w").write("{}\n")
    f.write("\n" * (-f.tell() % (1 << 20) - 10))	# now and then it is looked at: whenever a MiB more is there
PY
run --wpk=good.wpk.yaml --quiet; status 0 "a run that makes room"
ok "the history was shortened" test "$(wc -l < "$state/history.ndjson")" = 10000
ok "by the oldest" test "$(head -n 1 "$state/history.ndjson" | grep -c '"old-401"')" = 1
ok "results go with it" test "$(ls "$state/results" | wc -l)" -le 210
ok "of the oldest" test ! -e "$state/results/r-$(printf %026d 10001).json"
ok "not of the newest" test -e "$state/results/r-$(printf %026d 10399).json"
run history --limit=20000; ok "all of them are listed" test "$(wc -l < "$out")" = 10000
run logs "r-$(printf %026d 5000)"; status 3 "a run whose result has gone"; err_has "no longer kept" "is said"

if [ "$(id -u)" = 0 ] && in_mount_namespace true; then	# a full disk
	mkdir full; export SANDBOX_RUNNER
	in_mount_namespace sh -c 'mount -t tmpfs -o size=64k,mode=700 tmpfs full && SANDBOX_RUNNER_STATE_DIR=$PWD/full && export SANDBOX_RUNNER_STATE_DIR &&
		for i in 1 2 3 4 5 6 7 8 9 10 11 12; do "$SANDBOX_RUNNER" --wpk=good.wpk.yaml --quiet || exit; done; "$SANDBOX_RUNNER" history | wc -l; ls full/runs | wc -l' > "$out" 2> "$err"; rc=$?
	status 0 "a full state folder spoils no run"; err_has "the run is not in the history" "but is said"
	ok "and leaves nothing" test "$(tail -n 1 "$out")" = 0
else skip "a full state folder" "needs root"; fi
left_nothing "all of it"
finish
