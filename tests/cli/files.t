#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# files: what steps did to files, told on the terminal and in the JSON; diffs; folders that mean no good.
. "$(dirname "$0")/lib.sh"
change() { echo "[c for s in d['steps'] for c in s['files']['changes'] if c['path'] == '$1']"; }

mkdir in; seq 20 > in/numbers; echo keep > in/keep; echo old > in/old
wpk work - <<'YAML'
    - {name: first, type: shell, config: {command: "echo new > made; sed -i 's/^7$/seven/' numbers; rm old; mkdir d; ln -s made link; touch /tmp/t /dev/shm/s"}}
    - {name: second, type: shell, config: {command: "mv made d/moved; chmod 600 keep; rm /tmp/t"}}
    - {name: third, type: shell, config: {command: "cat numbers > /dev/null"}}
YAML
run --wpk=work.wpk.yaml --files=in; status 0 "effects on files"
out_has "files: 1 deleted, 1 changed, 3 created; /tmp: 2 created" "the counts of a step"
out_has "- old (4B)" "a deletion"; out_has "~ numbers (51B → 55B)" "a change"; out_has "+ link (link to made)" "a new link"
out_has "- made (4B, renamed to d/moved)" "a rename"; out_has "~ keep (mode 0644 → 0600)" "a change of mode"
out_has "Files: 1 deleted, 2 changed, 3 created; /tmp: 1 created" "the counts of the run"
run --wpk=work.wpk.yaml --files=in --format=json
json "d['steps'][0]['files']['work'] == {'deleted': 1, 'changed': 1, 'created': 3} and d['steps'][0]['files']['tmp']['created'] == 2"
json "d['steps'][2]['files']['changes'] == [] and d['steps'][2]['files']['known']" "a step that changes nothing"
json "[c['change'] for c in d['steps'][0]['files']['changes']][:2] == ['deleted', 'changed']" "deletions first"
json "$(change numbers)[0]['before']['sha256'] == '$(sha256sum < in/numbers | cut -d' ' -f1)'" "the digest before is the file's"
json "'diff' not in $(change numbers)[0]" "no diff unless asked for"
json "d['files']['work'] == {'deleted': 1, 'changed': 2, 'created': 3}" "the run as a whole"

# diffs
wpk secret - <<'YAML'
    - {name: one, type: shell, config: {command: "sed -i 's/^7$/seven/' numbers; printf 'a\\0b' > binary; head -c 2000000 /dev/zero | tr '\\0' x > large; echo ${TOKEN} > token; printf 'e\\033[31m\\n' > escape"}}
YAML
export SOURCE=correct-horse
run --wpk=secret.wpk.yaml --files=in --diff --param-secret TOKEN=env:SOURCE; status 0 "--diff"
out_has "-7" "a line that went"; out_has "+seven" "a line that came"; out_has "@@ -4,7 +4,7 @@" "the place"
out_has "(no diff: binary, or not UTF-8)" "a binary file is said to be one"; out_has "(no diff: larger than 1Mi)" "a large one too"
out_has "+***" "a secret is not shown"; out_lacks "correct-horse" "nowhere"; out_has '+e\x1b[31m' "what a terminal would obey is escaped"
run --wpk=secret.wpk.yaml --files=in --diff --param-secret TOKEN=env:SOURCE --format=json
if command -v patch > /dev/null; then
	cp -r in copy
	python3 -c "import json; d = json.load(open('$out')); print($(change numbers)[0]['diff'], end='')" > numbers.diff
	(cd copy && patch -s -p1 < ../numbers.diff); sed 's/^7$/seven/' in/numbers > want
	ok "patch makes the same of it" cmp copy/numbers want
fi

# folders that mean no good
wpk hostile - <<'YAML'
    - {name: names, type: shell, config: {command: "touch -- -rf \"$(printf 'n\\nl')\" \"$(printf 'e\\033[2J')\" \"$(printf '\\377')\" \"$(printf '%0255d' 1)\"; mkfifo p; ln -s /etc/shadow s; ln -s . loop; mkdir c; echo x > c/y; chmod 0 c/y c"}}
    - {name: deep, type: shell, config: {command: "python3 -c 'import os\nfor i in range(1200): os.mkdir(\"d\"); os.chdir(\"d\")'; truncate -s 900M sparse"}}
    - {name: many, type: shell, config: {command: "python3 -c 'import os\nos.mkdir(\"m\")\nfor i in range(8000): open(\"m/%d\" % i, \"w\")'"}}
    - {name: gone, type: shell, config: {command: "rm -rf m"}}
YAML
run --wpk=hostile.wpk.yaml --override=test --format=json; status 0 "a hostile folder"
json "d['steps'][0]['files']['work']['created'] == 10" "all names are told"
json "[c['path_hex'] for c in d['steps'][0]['files']['changes'] if c.get('path_hex')] == ['ff']" "the bytes of one that is no text"
json "$(change c/y)[0]['after']['mode'] == '0000' and $(change c/y)[0]['after']['sha256']" "a file closed by its own step is looked into"
json "$(change s)[0]['after']['target'] == '/etc/shadow'" "a link leads nowhere"
json "d['steps'][1]['files']['not_looked_at'] >= 1 and d['steps'][1]['files']['work']['created'] == 1001" "too deep: said"
json "$(change sparse)[0]['after']['sha256'] is None and $(change sparse)[0]['after']['error'] == 'too large to digest'" "a sparse file is not waited for"
json "d['steps'][2]['files']['work']['created'] == 8001 and len(d['steps'][2]['files']['changes']) == 8001" "eight thousand files, all listed"
json "d['steps'][3]['files']['work']['deleted'] == 8001" "and all gone"
run --wpk=hostile.wpk.yaml --override=test; out_has '+ e\x1b[2J' "a name is shown escaped"; out_has 'more (all in the JSON result)' "what is not shown is counted"
left_nothing "files"
finish
