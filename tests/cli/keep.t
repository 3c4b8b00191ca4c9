#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sandbox that outlives its verdict: --keep, --keep-on-failure, attach, stop, and how it goes by itself.
. "$(dirname "$0")/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
state=$work/state
wpk good - <<< '    - {name: hello, type: shell, config: {command: "echo hello > made"}}'
wpk failing - <<< '    - {name: no, type: shell, config: {command: "echo broken > made; exit 3"}}'
wpk slow - <<< '    - {name: slow, type: shell, config: {command: "echo begun; sleep 60"}}'
kept() { "$SANDBOX_RUNNER" ps --format=json | python3 -c 'import json,sys; print(" ".join(r["run_id"] for r in json.load(sys.stdin)["runs"] if r["state"] == "kept"))'; }
keepers() { pgrep -f -x "$SANDBOX_RUNNER .*" -- 2> /dev/null | while read -r p; do tr '\0' ' ' < "/proc/$p/environ" 2> /dev/null | grep -q "$work" && echo "$p"; done; }
gone() { local i; for i in $(seq 1 100); do [ -z "$(ls -A "$state/runs" 2> /dev/null)" ] && return; sleep 0.1; done; return 1; }

run --wpk=good.wpk.yaml --keep=5m; status 0 "--keep"
out_matches '^Cleanup: the sandbox is kept until 20' "the result says so"
err_matches "the sandbox is kept for [45]m.*'sandbox_runner attach r-[a-z2-7]{10}' opens a shell" "and how to get in"
id=$(kept); ok "it is kept" test -n "$id"
run ps; out_matches "^${id:0:12}  good-1.0.0 .*kept for [45]m" "ps knows it"
run history; out_matches "verified.*  kept$" "history too"
run gc; out_has "1 run is alive and left alone" "gc leaves it alone"
ok "the doors are for their owner" test "$(stat -c %a "$state/runs/$id/attach" "$state/runs/$id/end" | sort -u)" = 600

run attach "$id" -- cat made; status 0 "attach with a command"; out_is hello "sees what the steps made"; err_is "" "and nothing is added"
run attach "${id:2:6}" -- sh -c 'echo out; echo err >&2; exit 7'; status 7 "its exit status is ours"; out_is out "stdout"; err_is err "stderr"
run attach "$id" -- sh -c 'kill -TERM $$'; status 143 "a command that a signal ended"
run attach "$id" -- no-such-command; status 127 "a command that is not there"; err_has "cannot run 'no-such-command'" "is named"
echo 'echo from a script; id -u' > script; stdin=script run attach "$id"; status 0 "without a command: a shell"; out_is $'from a script\n1000' "which reads our input"
head -c 3000000 /dev/zero > zeros; stdin=zeros run attach "$id" -- wc -c; out_is 3000000 "input to its end"
run attach "$id" -- sh -c 'seq 1 100000'; ok "output to its end" test "$(md5sum < "$out")" = "$(seq 1 100000 | md5sum)"
run attach "$id" -- sh -c 'echo changed > made'; run attach "$id" -- cat made; out_is changed "one visit after another sees the same place"
timeout 20 "$SANDBOX_RUNNER" attach "$id" -- yes 2> "$err" | head -n 1 > "$out"; rc=${PIPESTATUS[0]}; status 141 "a reader that goes away ends the command"
run attach "$id" -- echo still; out_is still "and only that"
run attach "$id" -- sh -c '(sleep 300 & ) ; true'; run attach "$id" -- sh -c 'ls -d /proc/[0-9]* | wc -l'; ok "what a visit leaves running is ended" test "$(cat "$out")" -le 4
run attach "$id" -- sh -c 'env | grep -c SECRET'; out_is 0 "no secret in the environment"
"$SANDBOX_RUNNER" attach "$id" -- sh -c 'touch in; sleep 60' > /dev/null 2>&1 & visitor=$!
for _ in $(seq 1 100); do pgrep -P "$visitor" > /dev/null; sleep 0.05; [ -n "$(find "$state/runs/$id" -maxdepth 0)" ] && break; done
sleep 0.3; kill -KILL "$visitor"; wait "$visitor" 2> /dev/null
run attach "$id" -- echo next; status 0 "who hangs up makes room for the next"; out_is next "who gets in"
if command -v script > /dev/null && script -qec true /dev/null > /dev/null 2>&1; then
	SHELL=/bin/sh script -qec "'$SANDBOX_RUNNER' attach '$id' -- sh -c 'tty; test -t 0 && test -t 2 && echo all-terminals'" /dev/null > "$out" 2>&1 < /dev/null
	out_has /dev/pts/0 "with a terminal: one of its own"; out_has all-terminals "for all three"
else skip "a terminal" "script is not installed"; fi
run attach --end "$id"; status 0 "--end"; err_matches "was ended: [0-9]+ things made, [0-9]+ gone" "tells of the clean-up"
ok "all is gone" gone
run history --format=json; json 'd["runs"][-1]["cleanup_complete"] and d["runs"][-1]["kept_until"] is None' "the history knows"
python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); k=d["kept"]; sys.exit(not (d["cleanup"]["complete"] and d["cleanup"]["made"] > 3 and k["ended"] and k["ended_by"] == "somebody ended it"))' "$state/results/$id.json"
result $? "the result has the certificate"
run attach "$id"; status 3 "attach to what is gone"; err_has "has ended, and its sandbox is gone" "is said"
run stop "$id"; status 3 "stop of what is gone"; err_has "has ended already" "is said"

run --wpk=good.wpk.yaml --keep-on-failure; status 0 "--keep-on-failure without a failure"; ok "keeps nothing" test -z "$(kept)"
run --wpk=failing.wpk.yaml --keep-on-failure=5m --format=json; status 1 "--keep-on-failure with one"
json 'd["kept"]["until"] and d["kept"]["ended"] is None and not d["cleanup"]["complete"] and d["verdict"] == "failed"' "the result says that it is kept"
id=$(kept); run attach "$id" -- cat made; out_is broken "what the failure left can be looked at"
run stop "$id"; status 0 "stop"; ok "all is gone again" gone

# a keeper that is killed: who cleans up after it completes the history, its reaper, or gc when that is killed, too
reapers() { local p; for p in $(pgrep -x sbx-reaper); do grep -qsF "$work" "/proc/$p/environ" && echo "$p"; done; }
for who in reaper gc; do
	run --wpk=good.wpk.yaml --keep=5m --quiet; id=$(kept)
	[ $who = reaper ] || kill -KILL $(reapers)
	kill -KILL "$("$SANDBOX_RUNNER" ps --format=json | python3 -c 'import json,sys; print(json.load(sys.stdin)["runs"][0]["pid"])')"
	if [ $who = gc ]; then
		run history; out_has "no record of a clean-up" "killed with its reaper: nobody knows"
		run gc; status 0 "gc cleans up"
	fi
	ok "the keeper is killed, $who: all is gone" gone
	for i in $(seq 1 100); do "$SANDBOX_RUNNER" history | grep -q 'no record' || break; sleep 0.05; done
	run history; out_lacks "no record" "$who: the history knows"
	python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); c=d["cleanup"]; sys.exit(not (c["complete"] and c["made"] == c["gone"] == len(c["items"]) > 3 and d["kept"]["ended"] and d["kept"]["ended_by"] == "its keeper died"))' "$state/results/$id.json"
	result $? "$who: the result has the certificate"
	stat -c %a "$state/results/$id.json" > "$out"; out_is 600 "$who: and is for its owner"
done

run --wpk=good.wpk.yaml --keep=1s --quiet; ok "it goes by itself when its time is over" gone
python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); sys.exit(d["kept"]["ended_by"] != "its time was over")' "$(ls -t "$state"/results/*.json | head -n 1)"
result $? "and that is the reason"
SANDBOX_RUNNER_KEEP=1s run --wpk=good.wpk.yaml --quiet; err_has "is kept for" "by the environment"; ok "that one goes too" gone
printf 'sandbox: {cleanup: {keep: 1s}}\n' > keep.yaml; run --wpk=good.wpk.yaml --config=keep.yaml --quiet; err_has "is kept for" "by a configuration file"; ok "and that" gone

# however the keeper dies
run --wpk=good.wpk.yaml --keep=5m --quiet; id=$(kept)
pid=$("$SANDBOX_RUNNER" ps --format=json | python3 -c 'import json,sys; print(json.load(sys.stdin)["runs"][0]["pid"])')
kill -TERM "$pid"; ok "TERM ends it" gone
run --wpk=good.wpk.yaml --keep=5m --quiet
pid=$("$SANDBOX_RUNNER" ps --format=json | python3 -c 'import json,sys; print(json.load(sys.stdin)["runs"][0]["pid"])')
kill -KILL "$pid"; ok "KILL too: the reaper sees to it" gone
run history; out_lacks "  kept" "and nobody calls it kept any more"

# whoever waits for us must not wait for the keeper
timeout 20 sh -c "'$SANDBOX_RUNNER' --wpk=good.wpk.yaml --keep=5m --quiet 2>&1 | cat" > "$out" 2> "$err"; rc=$?; status 0 "a pipe ends with the verdict"
run stop "$(kept)"; gone
exec 9> lockfile; flock 9
run --wpk=good.wpk.yaml --keep=5m --quiet
exec 9>&-; ok "a lock of the caller is not held" flock -n lockfile true
run stop "$(kept)"; gone

start --wpk=slow.wpk.yaml --keep; until_out begun; kill -INT "$pid"; wait "$pid"; rc=$?
status 130 "a signal for the process in front reaches the run"; ok "which is not kept then" gone
start --wpk=slow.wpk.yaml; until_out begun; id=$("$SANDBOX_RUNNER" ps | cut -c 1-12)
run attach "$id"; status 3 "attach to a run that is not done"; err_has "is not done yet" "is said"
run stop "$id"; status 0 "stop of a run at work"; err_has "was stopped" "is said"; wait "$pid"; rc=$?; status 143 "it was told to"; ok "and left nothing" gone

for args in attach stop "attach --end a b"; do run $args; status 2 "$args"; done
for args in "attach nope" "stop nope"; do run $args; status 3 "$args"; err_has "there is no run 'nope'" "$args names it"; done
run --wpk=good.wpk.yaml --keep=1s --no-history --quiet; ok "--keep without history" gone
left_nothing "all of it"
finish
