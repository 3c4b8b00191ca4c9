#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# corpus: how much of what is labelled dangerous is found, and how often a benign case is an alarm, over a corpus of labelled cases
# ($SCAN_CORPUS, or the one that lies beside a checkout in our own test set-up). Its own script scores; nothing of a case is ever run.
. "$(dirname "$0")/lib.sh"
corpus=${SCAN_CORPUS:-$repo/../shared/corpus/scan}
[ -f "$corpus/score.py" ] || { echo "no corpus at $corpus (set SCAN_CORPUS)"; exit 77; }
command -v python3 > /dev/null || { echo "the corpus is scored in python3, which is not installed"; exit 77; }

score() {	# how the cases are written
	python3 "$corpus/score.py" --cmd "$SANDBOX_RUNNER scan --format=json {files}" --json figures.json "$@" > "$out" 2> "$err" < /dev/null; rc=$?
	status 0 "$*: scored"
	at_least() { ok "$1: $2" python3 -c 'import json,sys; d=json.load(open("figures.json")); sys.exit(not eval(sys.argv[1]))' "$3"; }
	at_least "$*" "recall of dangerous cases is at least 0.97" 'd["recall"] >= 0.97'
	at_least "$*" "every critical one is found" 'd["critical"][1] == d["critical"][0]'
	at_least "$*" "alarms on benign cases are at most 1 %" 'd["false_alarm_rate"] <= 0.01'
	at_least "$*" "every finding points at its place" 'not d["wrong_position"]'
	at_least "$*" "every package has a result" 'not d["no_result"]'
}
score --dialect steps
score --dialect config --style quoted
finish
