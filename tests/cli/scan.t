#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# scan: many files, exit statuses, policies, rules, suppressions and baselines, worker processes, output files; it makes nothing and leaves nothing.
. "$(dirname "$0")/lib.sh"
esc=$(printf '\033')
wpk good
wpk bad - <<< '    - {name: a, type: shell, config: {command: "rm -rf / --no-preserve-root"}}'
wpk wrong - <<< '    - {name: a, type: ftp, config: {command: "x"}}'
mkdir rules && cat > rules/own.yaml <<'YAML'
rules:
  - id: own/word
    title: Says the word
    severity: medium
    category: own
    cwe: CWE-1
    applies_to: text
    message: "the word is '{match}'"
    help: Nobody should say it.
    suggestion: Say something else
    match:
      - matches: xyzzy\w*
        keywords: [xyzzy]
    samples:
      match: ["a xyzzy thing"]
      no_match: ["a safe thing"]
YAML
wpk word - <<< '    - {name: a, type: shell, config: {command: "echo xyzzy1"}}'

# ---- verdicts and exit statuses
run scan good.wpk.yaml; status 0 "a good package"
out_matches '^acceptable: 1 file' "the last line says so"
err_is "" "nothing on stderr"
run scan bad.wpk.yaml; status 1 "a dangerous one"
out_matches '^bad.wpk.yaml:12:[0-9]+: critical: ' "the finding is told at its place"
out_has "    - {name: a, type: shell" "with the line"
out_matches '^      \| +\^' "and a caret"
out_matches '^not acceptable: 1 of 1 file' "the last line says so"
run scan good.wpk.yaml wrong.wpk.yaml bad.wpk.yaml; status 3 "an invalid one among others"
out_matches '^wrong.wpk.yaml:12:[0-9]+: error: ' "its errors are told"
out_matches '^bad.wpk.yaml:12:[0-9]+: critical: ' "and the findings of the others"
run scan --fail-on=never bad.wpk.yaml; status 0 "--fail-on=never"
run scan --fail-on=never wrong.wpk.yaml; status 3 "--fail-on=never: invalid is invalid"
run scan --rules=rules word.wpk.yaml; status 0 "medium, by default"
run scan --rules=rules --fail-on=medium word.wpk.yaml; status 1 "medium, --fail-on=medium"
run scan --rules=rules --fail-on=high word.wpk.yaml; status 0 "medium, --fail-on=high"
run scan; status 2 "no file"
run scan --fail-on=sometimes good.wpk.yaml; status 2 "--fail-on with another word"
run scan --format=xml good.wpk.yaml; status 2 "an unknown format"
run scan --policy=strange good.wpk.yaml; status 2 "an unknown policy"
run scan missing.wpk.yaml good.wpk.yaml; status 3 "a missing file"
out_has "good.wpk.yaml: approve" "the other is scanned all the same"
for level in info low medium high critical block never; do run scan --fail-on=$level good.wpk.yaml; [ $rc = 0 ] || [ $rc = 1 ]; result $? "--fail-on=$level is known"; done

# ---- what it is judged by
echo 'rules: [{id: x}]' > rules/wrong.yaml
run scan --rules=rules good.wpk.yaml; status 3 "a rule file that is wrong"
out_matches 'wrong.yaml:1:[0-9]+: error: ' "is told at its place"
rm rules/wrong.yaml
run scan --rules=nowhere good.wpk.yaml; [ $rc != 0 ] && [ $rc != 1 ]; result $? "a folder of rules that is not there"
printf 'weights: 7\nunknown: [' > policy.yaml
run scan --policy=policy.yaml good.wpk.yaml; status 3 "a policy that is wrong"
echo '{"no": "baseline"}' > nobase.json
run scan --baseline=nobase.json good.wpk.yaml; status 3 "a baseline that is none"
run scan --policy=registry-compat bad.wpk.yaml; [ $rc = 0 ] || [ $rc = 1 ]; result $? "the registry's policy"

# ---- suppressions
wpk hushed - <<'YAML'
    # sandbox_runner: ignore own/word -- a test of suppressions
    - {name: a, type: shell, config: {command: "echo xyzzy1"}}
YAML
run scan --rules=rules --fail-on=medium hushed.wpk.yaml; status 0 "a comment with a reason"
out_has "suppressed: a test of suppressions" "stays visible"
out_has "1 suppressed" "and is counted apart"
run scan --rules=rules --fail-on=medium --no-ignore hushed.wpk.yaml; status 1 "--no-ignore"
mkdir -p beside && cp word.wpk.yaml beside/
echo 'ignore: [{rule: own/word, reason: "beside it"}]' > ignore.yaml
run scan --rules=rules --fail-on=medium --ignore-file=ignore.yaml word.wpk.yaml; status 0 "--ignore-file"
cp ignore.yaml beside/.sandbox_runner-ignore.yaml
run scan --rules=rules --fail-on=medium beside/word.wpk.yaml; status 0 "an ignore file in the package's folder"
run scan --rules=rules --fail-on=medium beside word.wpk.yaml; status 1 "does not hold for other folders"
out_matches '^word.wpk.yaml:12:.*own/word' "whose findings count"
(cd beside && run scan --rules=../rules --fail-on=medium word.wpk.yaml; echo $rc > ../rc); rc=$(cat rc); status 0 "it is found from inside the folder too"
run scan --rules=rules --fail-on=medium --no-ignore beside; status 1 "--no-ignore holds for it too"
mkdir gate && cp bad.wpk.yaml gate/
run scan gate/bad.wpk.yaml; status 1 "scan refuses"; run plan gate/bad.wpk.yaml; status 4 "and so does plan"
echo 'ignore: [{rule: "*", reason: "the gate is the same"}]' > gate/.sandbox_runner-ignore.yaml
run scan gate/bad.wpk.yaml; status 1 "what lies beside a package cannot ignore its critical findings"; run plan gate/bad.wpk.yaml; status 4 "for plan neither"
cp gate/.sandbox_runner-ignore.yaml ours.yaml
run scan --ignore-file=ours.yaml gate/bad.wpk.yaml; status 0 "--ignore-file can"; run plan --ignore-file=ours.yaml gate/bad.wpk.yaml; status 0 "for plan too"
run plan --no-ignore gate/bad.wpk.yaml; status 4 "plan --no-ignore"
echo 'ignore: [{rule: own/word}]' > beside/.sandbox_runner-ignore.yaml
run scan --rules=rules --fail-on=medium beside; [ $rc != 0 ]; result $? "without a reason it does not count"
out_has ".sandbox_runner-ignore.yaml:1:" "and is told"
run scan --ignore-file=missing.yaml good.wpk.yaml; status 3 "an ignore file that is not there"

# ---- baselines
run scan --rules=rules --fail-on=medium --write-baseline=base.json word.wpk.yaml; status 1 "writing a baseline: the verdict is the same"
run scan --rules=rules --fail-on=medium --baseline=base.json word.wpk.yaml; status 0 "what is in it does not count"
{ sed -n 1,11p word.wpk.yaml; echo '    # moved'; echo '    - {name: b, type: shell, config: {command: "echo xyzzy1 xyzzy2"}}'; sed -n 12p word.wpk.yaml; } > moved && mv moved word2.wpk.yaml
cp word.wpk.yaml old && mv word2.wpk.yaml word.wpk.yaml
run scan --rules=rules --fail-on=medium --baseline=base.json --format=json word.wpk.yaml; status 1 "new ones do"
json 'sorted(f["suppressed"] for f in d["findings"] if f["rule_id"] == "own/word") == [False, False, True]' "the known one has moved and is known"
cp good.wpk.yaml word.wpk.yaml; run scan --rules=rules --baseline=base.json --format=json word.wpk.yaml; status 0 "the known one is gone"
json 'd["summary"]["baseline_gone"] == 1' "and that is told"
mv old word.wpk.yaml
{ sed -n 1,11p word.wpk.yaml; for i in $(seq 250); do echo "    - {name: a$i, type: shell, config: {command: \"echo xyzzy\"}}"; done; } > often.wpk.yaml
run scan --rules=rules --fail-on=medium --format=json --write-baseline=often.json often.wpk.yaml; status 1 "250 findings of one rule"
json 'd["summary"]["findings"]["medium"] == 250 and len([f for f in d["findings"] if f["rule_id"] == "own/word"]) == 100' "100 are listed, all are counted"
run scan --rules=rules --fail-on=medium --baseline=often.json often.wpk.yaml; status 0 "the baseline knows those not listed"
echo "    - {name: one, type: shell, config: {command: \"echo xyzzy\"}}" >> often.wpk.yaml
run scan --rules=rules --fail-on=medium --baseline=often.json often.wpk.yaml; status 1 "one more is new, though it is not listed"

# ---- many
mkdir -p tree/sub
for i in $(seq -w 1 90); do ln bad.wpk.yaml tree/bad$i.wpk.yaml; ln good.wpk.yaml tree/sub/good$i.wpk.yml; done
run scan --format=json tree; status 1 "180 files in a folder"
json 'len(d["files"]) == 180 and [f["file"] for f in d["files"]] == sorted(f["file"] for f in d["files"])' "in order"
cp "$out" all.json
for jobs in 1 2 5; do run scan --jobs=$jobs --format=json tree; cmp -s "$out" all.json; result $? "--jobs=$jobs: the same bytes"; done
run scan --format=json tree tree/bad07.wpk.yaml tree/ good.wpk.yaml good.wpk.yaml; json 'len(d["files"]) == 181' "a file that is named twice is scanned once"
mkdir none; run scan none; status 3 "a folder without packages is no success"
stdin=bad.wpk.yaml run scan - good.wpk.yaml; status 1 "standard input"
tar czf bundle.wpk.tar.gz -C . bad.wpk.yaml; run scan bundle.wpk.tar.gz; status 1 "a bundle"
left_nothing "a bundle"
head -c 1500000 /dev/urandom > noise; tar czf large.wpk.tar.gz good.wpk.yaml noise; run scan large.wpk.tar.gz; status 0 "a bundle larger than any package"
rm noise large.wpk.tar.gz
run scan /proc/self/status; out_has "Name:" "a file of the kernel, which has no size, is read"
run scan --jobs=2 bundle.wpk.tar.gz good.wpk.yaml bad.wpk.yaml; status 1 "a bundle in a worker"
left_nothing "a bundle in a worker"

# ---- a worker that dies: standard input is held open, so that one of them waits with its file in hand
mkfifo held; exec 7<> held
"$SANDBOX_RUNNER" scan --jobs=2 --format=json good.wpk.yaml - bad.wpk.yaml < held > "$out" 2> "$err" & pid=$!
for i in $(seq 100); do
	child=$(for c in $(pgrep -P $pid); do [ "$(cut -d' ' -f1 "/proc/$c/wchan" 2> /dev/null)" != x ] && echo "$c"; done)
	[ "$(wc -w <<< "$child")" = 1 ] && [ "$i" -gt 5 ] && break
	sleep 0.05
done
kill -KILL $child; wait $pid; rc=$?
status 70 "a worker that is killed"
json '[(f["file"], f["valid"]) for f in d["files"]] == [("good.wpk.yaml", True), ("-", False), ("bad.wpk.yaml", True)]' "its file is named, the others have their result"
out_has "died of signal 9" "and the signal"
"$SANDBOX_RUNNER" scan --jobs=2 --format=json tree/bad[0-3]*.wpk.yaml - tree/bad[4-8]*.wpk.yaml < held > "$out" 2> "$err" & pid=$!
for i in $(seq 100); do
	child=$(pgrep -P $pid)
	[ "$(wc -w <<< "$child")" = 1 ] && [ "$i" -gt 5 ] && break
	sleep 0.05
done
kill -KILL $child; wait $pid; rc=$?
status 70 "a worker that is killed with several files"
json '[f["file"] for f in d["files"] if not f["valid"]] == ["-"] and len(d["files"]) == 90' "those it had taken besides have their result"
"$SANDBOX_RUNNER" scan --jobs=2 good.wpk.yaml - bad.wpk.yaml < held > "$out" 2> "$err" & pid=$!
for i in $(seq 100); do child=$(pgrep -P $pid); [ -n "$child" ] && break; sleep 0.02; done
sleep 0.2; child=$(pgrep -P $pid)
kill -TERM $pid; wait $pid 2> /dev/null; rc=$?
status 143 "stopped by a signal"
for i in $(seq 100); do [ -z "$(ps -o pid= -p ${child//$'\n'/,} 2> /dev/null)" ] && break; sleep 0.02; done
ok "no worker is left" test -z "$(ps -o pid= -p ${child//$'\n'/,} 2> /dev/null)"
exec 7>&-

# ---- output
run scan --format=sarif --output=o.sarif bad.wpk.yaml; status 1 "--output"
out_is "" "nothing on stdout"
ok "the file is whole" python3 -c 'import json; json.load(open("o.sarif"))'
run scan --format=json --output=nowhere/o.json good.wpk.yaml; status 5 "a folder that is not there"
err_has "cannot write 'nowhere/o.json'" "is told"
run scan --output=tree good.wpk.yaml; status 2 "a folder"
echo before > kept.json; chmod 500 none; chmod a-w kept.json
run scan --format=json --output=kept.json wrong.wpk.yaml; ok "a file is replaced, not written into" python3 -c 'import json; json.load(open("kept.json"))'
ok "no temporary file is left" test -z "$(ls -A | grep 'sandbox_runner-.*tmp')"
"$SANDBOX_RUNNER" scan --format=json bad.wpk.yaml > /dev/full 2> "$err"; rc=$?
status 1 "stdout is full: the worse is told"; err_has "cannot write to standard output" "and why"
"$SANDBOX_RUNNER" scan --format=json good.wpk.yaml > /dev/full 2> "$err"; rc=$?; status 5 "stdout is full"
run scan --format=json --output=/dev/full good.wpk.yaml; status 5 "a device that is full"

# ---- text
run scan --rules=rules --show=high word.wpk.yaml; out_lacks "own/word" "--show=high hides what is below"; out_has "below high not shown" "and counts it"
run scan often.wpk.yaml; out_lacks "scan/" "info is only counted"
run scan --rules=rules -v often.wpk.yaml; out_has "finding/more" "-v and the note about those not listed"
run scan -q good.wpk.yaml; out_is "" "-q: nothing about what is acceptable"
run scan -q bad.wpk.yaml good.wpk.yaml; out_matches '^bad.wpk.yaml:12' "-q: what is not"; out_lacks "good.wpk.yaml: approve" "and only that"
run scan bad.wpk.yaml; ok "no colour without a terminal" sh -c "! grep -q '$esc' '$out'"
run scan --color=always bad.wpk.yaml; ok "--color=always" grep -q "$esc\[" "$out"
printf 'evil\033[31m.wpk.yaml' > name; cp bad.wpk.yaml "$(cat name)"
for format in text json sarif junit github gitlab markdown; do
	run scan --format=$format "$(cat name)"; status 1 "$format: an escape sequence in a file name"
	ok "$format: it is not obeyed" sh -c "! grep -q '$esc' '$out'"
done
cp bad.wpk.yaml "$(printf 'bytes\xff.wpk.yaml')"
run scan --format=json --jobs=2 bytes*.wpk.yaml good.wpk.yaml; status 1 "a file name that is no UTF-8"; json 'len(d["files"]) == 2' "is JSON all the same"

SANDBOX_RUNNER_STATE_DIR=/nonexistent/state HOME=/nonexistent run scan good.wpk.yaml; status 0 "needs no state folder"
left_nothing "scan"
finish
