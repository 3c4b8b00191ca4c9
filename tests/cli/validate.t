#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# validate: many files and folders, text and JSON, --strict, -q; it makes nothing.
. "$(dirname "$0")/lib.sh"
wpk one; wpk two
wpk bad - <<< '    - {name: a, type: ftp, config: {command: "x"}}'
wpk odd - <<< '    - {name: a, type: shell, colour: red, config: {command: "x"}}'

run validate one.wpk.yaml; status 0 "a good package"
out_is "" "stdout is empty"
err_is "1 file: 1 valid, 0 invalid (0 errors, 0 warnings)" "one summary line on stderr"
run validate -q one.wpk.yaml; status 0 "-q"; err_is "" "-q leaves the summary out"

run validate one.wpk.yaml bad.wpk.yaml two.wpk.yaml; status 3 "one bad file of three"
out_matches '^bad.wpk.yaml:12:[0-9]+: error: ' "it is told at its place"
out_has "    - {name: a, type: ftp" "with the line"
out_has "^" "and a caret"
err_has "3 files: 2 valid, 1 invalid" "all were looked at"

run validate odd.wpk.yaml; status 0 "an unknown key is a warning"
out_matches '^odd.wpk.yaml:12:[0-9]+: warning: .*colour' "it is told"
run validate -q odd.wpk.yaml; out_is "" "-q says only errors"
run validate --strict odd.wpk.yaml; status 3 "--strict counts it as an error"
run validate --strict --format=json odd.wpk.yaml; status 3 "--strict as JSON"; json 'not d["valid"] and not d["files"][0]["valid"]' "and JSON agrees"

run validate --format=json one.wpk.yaml bad.wpk.yaml odd.wpk.yaml; status 3 "the same verdict as JSON"
json 'd["valid"] is False and [f["file"] for f in d["files"]] == ["one.wpk.yaml", "bad.wpk.yaml", "odd.wpk.yaml"]' "files in the order given"
json '[f["valid"] for f in d["files"]] == [True, False, True]' "each with its verdict"
json '[(f["errors"] > 0, f["warnings"]) for f in d["files"]] == [(False, 0), (True, 0), (False, 1)]' "and its counts"
json 'all(set(f) >= {"rule_id","severity","message","file","line","column","path","suggestion","cwe","suppressed"} for f in d["findings"])' "findings have all members"
json '[f for f in d["findings"] if f["file"] == "bad.wpk.yaml"][0]["line"] == 12' "and their place"

mkdir -p tree/a/.git tree/b
cp one.wpk.yaml tree/a/; cp bad.wpk.yaml tree/b/; cp one.wpk.yaml tree/b/two.wpk.yml; cp bad.wpk.yaml tree/a/.git/; cp bad.wpk.yaml tree/other.yaml
ln -s ../b tree/a/link
run validate tree; status 3 "a folder"
out_matches '^tree/b/bad.wpk.yaml:12' "files below are found"
err_has "3 files: 2 valid, 1 invalid" "hidden folders, links to folders and other files are passed over"
run validate tree/a one.wpk.yaml; status 0 "folders and files together"
err_has "2 files" "all are counted"
mkdir none; run validate none; status 3 "a folder without packages is an error, not a silent success"
out_has "no *.wpk.yaml" "and says so"

printf 'evil\033[31m.wpk.yaml' > name; cp bad.wpk.yaml "$(cat name)"
run validate "$(cat name)"; status 3 "an escape sequence in a file name"
ok "it is not obeyed" sh -c "! grep -q \$(printf '\033') '$out'"
wpk sneaky - <<< "    - {name: a, type: \"ftp\\e[2J\", config: {command: \"x\"}}"
run validate sneaky.wpk.yaml; status 3 "an escape sequence in a value"
ok "it is not obeyed" sh -c "! grep -q \$(printf '\033') '$out'"

run validate bad.wpk.yaml;			ok "no colour without a terminal" sh -c "! grep -q \$(printf '\033') '$out'"
run validate --color=always bad.wpk.yaml;	ok "--color=always" grep -q "$(printf '\033')\[" "$out"
CLICOLOR_FORCE=1 run validate bad.wpk.yaml;	ok "CLICOLOR_FORCE" grep -q "$(printf '\033')\[" "$out"
NO_COLOR=1 CLICOLOR_FORCE=1 run validate bad.wpk.yaml; ok "NO_COLOR wins over it" sh -c "! grep -q \$(printf '\033') '$out'"
NO_COLOR=1 run validate --color=always bad.wpk.yaml; ok "--color wins over NO_COLOR" grep -q "$(printf '\033')\[" "$out"

SANDBOX_RUNNER_STATE_DIR=/nonexistent/state HOME=/nonexistent run validate one.wpk.yaml; status 0 "needs no state folder"
for i in $(seq 1 300); do ln one.wpk.yaml "m$i.wpk.yaml"; done
run validate m*.wpk.yaml; status 0 "300 files in one call"; err_has "300 files: 300 valid" "all counted"
left_nothing "validate"
finish
