#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Standard output that is full, closed, or not read: seen in the exit status, and no reason to leave anything behind.
. "$(dirname "$0")/lib.sh"
wpk good
wpk failing - <<< '    - {name: no, type: shell, config: {command: "exit 3"}}'
wpk talk - <<< '    - {name: talk, type: shell, config: {command: "seq 1 100000; sleep 60"}}'

for args in "--wpk=good.wpk.yaml" "--wpk=good.wpk.yaml --format=json" "--wpk=good.wpk.yaml --format=ndjson" "--wpk=good.wpk.yaml --report=text" \
	"validate --format=json good.wpk.yaml" "plan good.wpk.yaml" "version" "help" "--help" "doctor" "completion bash" "schema result" "man"; do
	: > "$out"
	"$SANDBOX_RUNNER" $args > /dev/full 2> "$err"; rc=$?
	status 5 "a full disk: $args"; err_has "cannot write to standard output: No space left on device" "a full disk: $args: says so"
	left_nothing "a full disk: $args"
	"$SANDBOX_RUNNER" $args >&- 2> "$err"; rc=$?
	status 5 "a closed stdout: $args"; left_nothing "a closed stdout: $args"
	"$SANDBOX_RUNNER" $args 2> "$err" | true; rc=${PIPESTATUS[0]}
	case $rc in 0|141) true ;; *) false ;; esac; result $? "a reader that went away: $args (exit $rc)"
	err_lacks "error:" "a reader that went away: $args: no complaint"
	left_nothing "a reader that went away: $args"
done
"$SANDBOX_RUNNER" --wpk=failing.wpk.yaml > /dev/full 2> "$err"; rc=$?; status 1 "a failed step stays a failed step on a full disk"
"$SANDBOX_RUNNER" --wpk=good.wpk.yaml > "$out" 2>&-; rc=$?; status 0 "a closed stderr"
"$SANDBOX_RUNNER" --wpk=good.wpk.yaml > "$out" 2> "$err" <&-; rc=$?; status 0 "a closed stdin"
"$SANDBOX_RUNNER" --wpk=good.wpk.yaml 2> /dev/full > "$out"; rc=$?; status 0 "a full stderr is nobody's trouble"

# a reader that stopped reading must not make the run unstoppable
mkfifo pipe
for format in text ndjson; do
	sleep 30 < pipe & reader=$!
	"$SANDBOX_RUNNER" --wpk=talk.wpk.yaml -v --format=$format > pipe 2> "$err" & pid=$!
	sleep 1.5; kill -TERM $pid; t0=$SECONDS
	wait $pid; rc=$?
	kill $reader 2> /dev/null; wait $reader 2> /dev/null
	status 143 "a reader that stopped reading, $format"
	ok "it ends at once, $format" test $((SECONDS - t0)) -lt 10
	left_nothing "a reader that stopped reading, $format"
done

# reports
run --wpk=good.wpk.yaml --report=json:r.json --report=text:r.txt; status 0 "two reports in files"
ok "the JSON one" python3 -c 'import json; assert json.load(open("r.json"))["verdict"] == "verified"'
ok "the text one" grep -qi "verified" r.txt
ok "only for their owner" test "$(stat -c %a r.json)" = 600
run --wpk=good.wpk.yaml --report=json; status 0 "a report on stdout"; json 'd["verdict"] == "verified"' "is all of it"
err_has "Step 1/1" "the narrative goes to stderr then"
run --wpk=good.wpk.yaml --report=json:no/such/folder/r.json; status 5 "a report that cannot be written is known before the run"
err_has "no/such/folder" "and named"; out_is "" "nothing was run"
run --wpk=good.wpk.yaml --report=json:.; status 2 "a folder as report"
run --wpk=good.wpk.yaml --report=json:/dev/full; status 5 "a report to a full disk"
ok "devices are not replaced by files" test -c /dev/full
left_nothing "reports"
finish
