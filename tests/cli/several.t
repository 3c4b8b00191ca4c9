#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several packages in one call: each with its own run and verdict, the worst exit status, and what a signal leaves.
. "$(dirname "$0")/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
wpk one; wpk two
wpk failing - <<< '    - {name: no, type: shell, config: {command: "exit 3"}}'
wpk slow - <<< '    - {name: slow, type: shell, config: {command: "echo begun; sleep 60"}}'
wpk hungry - <<< '    - {name: hog, type: shell, config: {command: "yes | head -c 5000000"}}'
echo 'kind: nonsense' > bad.wpk.yaml

run one.wpk.yaml; status 2 "without the word run a package is no command"; err_has "did you mean '--wpk=one.wpk.yaml'" "which is told"
run run one.wpk.yaml; status 0 "one operand"; out_lacks "Runs" "has no table"
run --wpk=one.wpk.yaml --wpk=two.wpk.yaml; status 0 "--wpk twice"
out_matches '^   1  one-1.0.0 +verified +[0-9.]+m?s +r-[a-z2-7]{10}$' "the first in the table"; out_matches '^   2  two-1.0.0 +verified ' "the second"
out_has "2 runs: 2 acceptable, 0 not, 0 not run; exit status 0" "and a sum"
ok "two runs, two sandboxes" test "$(grep -c '^Creating sandbox' "$out")" = 2
run run one.wpk.yaml two.wpk.yaml --wpk=failing.wpk.yaml; status 1 "mixed; the worst is a failed step"
out_matches '^   1  failing-1.0.0 +failed ' "--wpk comes before operands"; out_has "3 runs: 2 acceptable, 1 not, 0 not run; exit status 1" "the sum"
run run failing.wpk.yaml bad.wpk.yaml one.wpk.yaml; status 3 "an invalid one does not keep the others"; out_matches '^   2  bad.wpk.yaml +no run +exit status 3$' "it is listed"; out_matches '^   3  one-1.0.0 +verified' "so is the next"
run run failing.wpk.yaml hungry.wpk.yaml --max-output=1Mi; status 7 "a limit is worse than a failure"
run run one.wpk.yaml nothing.wpk.yaml; status 3 "one that is not there"
run run one.wpk.yaml --quiet two.wpk.yaml; ok "quiet: the verdicts only" test "$(cat "$out")" = "$(printf 'Verdict: verified: its only step was executed and passed\n%.0s' 1 2)"
run run one.wpk.yaml one.wpk.yaml --exit-zero; status 0 "twice the same"; ok "are two runs" test "$(grep -o 'r-[a-z2-7]*$' "$out" | sort -u | wc -l)" = 2

run run one.wpk.yaml failing.wpk.yaml bad.wpk.yaml --format=json; status 3 "as JSON"
json '[r["verdict"] for r in d] == ["verified", "failed", "error"] and d[2]["error"]["code"] == "invalid_input" and len({r["run_id"] for r in d[:2]}) == 2' "one list of results"
run run one.wpk.yaml bad.wpk.yaml two.wpk.yaml --format=ndjson; status 3 "as NDJSON"
python3 - "$out" <<'PY'
import json, sys
e = [json.loads(l) for l in open(sys.argv[1])]
v = [x for x in e if x["type"] == "verdict"]
runs = {x["run_id"] for x in e if x["run_id"]}
sys.exit(not (len(v) == 3 and len(runs) == 2 and e[-1]["type"] == "verdict"))
PY
result $? "one stream, a verdict each"
run history --format=json; json 'len(d["runs"]) > 10 and {r["package"] for r in d["runs"]} >= {"one-1.0.0", "failing-1.0.0", "hungry-1.0.0"}' "the history has each"

mkdir -p p/.git; cp one.wpk.yaml p/; echo 'sandbox: {limits: {memory: 100Mi}}' > p/.sandbox_runner.yaml
run run one.wpk.yaml p/one.wpk.yaml one.wpk.yaml --format=json
json '[[c["requested"] for c in r["enforcement"] if c["control"] == "memory"][0] for r in d] == ["4Gi", "100Mi", "4Gi"]' "each has the configuration of its own project"
stdin=two.wpk.yaml run run one.wpk.yaml - --format=json; json '[r["package"]["name"] for r in d] == ["one", "two"]' "one from standard input"

wpk maker - <<< '    - {name: make, type: shell, config: {command: "echo made > thing; echo said"}}'
mkdir -p deep; cp maker.wpk.yaml "deep/odd name.wpk.yaml"
run run one.wpk.yaml "deep/odd name.wpk.yaml" bad.wpk.yaml --save-logs=o/logs --save-artifacts=o/made --report=json:o/reports --report=text:o/reports --quiet
status 3 "logs, artifacts and reports of several"
ok "a report each" test "$(ls o/reports | tr '\n' ' ')" = "01-one.json 01-one.txt 02-odd_name.json 02-odd_name.txt 03-bad.json 03-bad.txt "
ok "of its own" grep -q '"name": "maker"' o/reports/02-odd_name.json
ok "logs each" test "$(ls o/logs | tr '\n' ' ')" = "01-one 02-odd_name "
ok "with what the step said" grep -qx said o/logs/02-odd_name/01-make.stdout.log
ok "artifacts each" test "$(ls o/made | tr '\n' ' ')" = "01-one 02-odd_name "
ok "and what was made" test -n "$(find o/made/02-odd_name -name thing)"
SANDBOX_RUNNER_WPK=one.wpk.yaml run run --format=json; json 'd["package"]["name"] == "one"' "SANDBOX_RUNNER_WPK names the package"
SANDBOX_RUNNER_WPK=one.wpk.yaml run --wpk=two.wpk.yaml --format=json; json 'd["package"]["name"] == "two"' "the command line wins"
SANDBOX_RUNNER_WPK= run run; status 2 "an empty one is none"

while IFS='|' read -r args text; do
	run $args; status 2 "$args"; err_has "$text" "says: $text"; out_is "" "$args: nothing was run"
done <<'TABLE'
run one.wpk.yaml two.wpk.yaml --report=json|--report of several packages needs a folder
run one.wpk.yaml two.wpk.yaml --save-logs=logs.tar.gz|--save-logs of several packages needs a folder
run - -|standard input can be read once
run one.wpk.yaml extra|'run' takes no 'extra'
run one.wpk.yaml validate|the command 'validate' must come first
TABLE

for form in text json ndjson; do
	start run one.wpk.yaml slow.wpk.yaml two.wpk.yaml failing.wpk.yaml --format=$form
	if [ $form = json ]; then for _ in $(seq 1 100); do "$SANDBOX_RUNNER" ps 2> /dev/null | grep -q 'slow-1.0.0.*step 1' && break; sleep 0.05; done; sleep 0.1; else until_out begun; fi
	kill -INT "$pid"; wait "$pid"; rc=$?; status 130 "INT in the middle, $form"
	case $form in
	text) out_matches '^   1  one-1.0.0 +verified' "what was done is told"; out_matches '^   2  slow-1.0.0 +cancelled' "what was stopped"
		out_matches '^   3  two.wpk.yaml +not run$' "what was not run"; out_matches '^   4  failing.wpk.yaml +not run$' "to the last"
		out_has "4 runs: 1 acceptable, 1 not, 2 not run; exit status 130" "the sum" ;;
	json) json '[r["verdict"] for r in d] == ["verified", "cancelled", "error", "error"] and "not run" in d[3]["verdict_reason"] and d[3]["error"]["code"] == "cancelled" and d[3]["package"]["source"] == "failing.wpk.yaml"' "the list has all four" ;;
	ndjson) ok "a verdict for all four" test "$(grep -c '"type":"verdict"' "$out")" = 4 ;;
	esac
	left_nothing "INT, $form"
done

run run one.wpk.yaml two.wpk.yaml --keep=1s; status 0 "kept, both"; ok "the table says so" test "$(grep -c '  kept$' "$out")" = 2
until_nothing_left "they go by themselves"
left_nothing "all of it"
finish
