#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --save-artifacts: what steps made is kept as it was; what a hostile one left leads nowhere and stops nothing.
. "$(dirname "$0")/lib.sh"
manifest() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1] + "/artifacts.json")); sys.exit(not eval(sys.argv[2], {"d": d}))' "$1" "$2" 2>> "$err"; result $? "${3:-$2}"; }

mkdir in; echo given > in/given; echo old > in/old
wpk honest - <<'YAML'
    - {name: make, type: shell, config: {command: "mkdir -p out/bin; seq 1000 > out/data; cp /usr/bin/true out/bin/tool; chmod 4755 out/bin/tool; chmod 600 out/data; echo new >> old; : > empty; echo t > /tmp/scratch"}}
    - {name: more, type: shell, config: {command: "echo x > gone; rm gone; mkdir shut; echo s > shut/s; chmod 0 shut/s shut; head -c 300000 /dev/urandom > random; sha256sum random"}}
YAML
run --wpk=honest.wpk.yaml --files=in --save-artifacts=kept --override=test; status 0 "artifacts"
out_has "Artifacts: 6 files" "the run says how many"
seq 1000 > want; ok "content arrives unchanged" cmp kept/files/out/data want
ok "programs too" cmp kept/files/out/bin/tool /usr/bin/true
ok "set-id bits are dropped, other modes kept" sh -c '[ "$(stat -c %a kept/files/out/bin/tool kept/files/out/data | tr "\n" " ")" = "755 600 " ]'
ok "what was changed" grep -q new kept/files/old
ok "what was only given, deleted, or in /tmp is not there" sh -c '! ls kept/files/given kept/files/gone kept/files/scratch'
ok "a file its own step had closed" test -f kept/files/shut/s
ok "random bytes arrive unchanged" sh -c "grep -q \"\$(sha256sum < kept/files/random | cut -d' ' -f1)\" '$out'"
manifest kept '[f["is"]["sha256"] for f in d["saved"] if f["path"] == "out/data"] == ["'"$(sha256sum < want | cut -d' ' -f1)"'"]' "the manifest has digests"
manifest kept 'd["files_left_out"] == 0 and d["problem"] is None and d["run_id"].startswith("r-")'
echo mine > kept/mine
run --wpk=honest.wpk.yaml --files=in --save-artifacts=kept --override=test; status 5 "a folder with something else in it"; err_has "holds no earlier collection" "is refused"
rm kept/mine
run --wpk=honest.wpk.yaml --files=in --save-artifacts=kept --override=test --format=json; status 0 "an earlier collection is replaced"
json "d['artifacts']['files'] == 6 and d['artifacts']['folders'] == 3 and d['artifacts']['problem'] is None"
mkdir other; echo x > other/x; run --wpk=honest.wpk.yaml --save-artifacts=other --override=test; status 5 "somebody's folder"; ok "is left alone" test -f other/x
run --wpk=honest.wpk.yaml --save-artifacts=honest.wpk.yaml --override=test; status 5 "a file in the way"
left_nothing "refusals"

echo secret-4711 > bait; chmod 644 bait
wpk hostile - <<YAML
    - {name: links, type: shell, config: {command: "ln -s $work/bait link; ln -s $work dir; mkdir d; ln -s ../.. d/up; echo x > a; ln a b; mkfifo fifo; ln -s /etc/passwd passwd; ln -s a loop1; ln -sf loop1 a2"}}
    - {name: names, type: shell, config: {command: "echo 1 > -rf; echo 2 > \"\$(printf 'n\\\\nl')\"; echo 3 > \"\$(printf '\\\\377')\"; echo 4 > \"\$(printf 'e\\\\033[2J')\"; echo 5 > \$(printf '%0255d' 7); echo 6 > artifacts.json"}}
    - {name: deep, type: shell, config: {command: "python3 -c 'import os\nfor i in range(400): os.mkdir(\"x\"); os.chdir(\"x\")\nopen(\"bottom\", \"w\")'; truncate -s 2T sparse 2>/dev/null; truncate -s 900M sparse2"}}
YAML
run --wpk=hostile.wpk.yaml --save-artifacts=held --override=test --format=json; status 0 "a hostile work folder"
ok "nothing from outside came with it" sh -c '! grep -r secret-4711 held/files'
ok "no links, no special files" sh -c '[ -z "$(find held/files ! -type f ! -type d)" ]'
ok "no more than its own folder" sh -c '[ "$(ls held)" = "artifacts.json
files" ]'
ok "names are kept byte for byte" sh -c 'cd held/files && [ "$(cat "$(printf "n\nl")")" = 2 ] && [ "$(cat "$(printf "\377")")" = 3 ] && [ "$(cat ./-rf)" = 1 ] && [ "$(cat "$(printf "%0255d" 7)")" = 5 ]'
ok "hard links are files" cmp held/files/a held/files/b
manifest held '{(f["path"], f["why"]) for f in d["left_out"]} >= {("link", "a link: only contents are saved"), ("fifo", "no regular file")}' "what is left out has a reason"
manifest held '"too deep" in {f["why"] for f in d["left_out"]} and [f for f in d["saved"] if f.get("path_hex") == "ff"]' "too deep is one"
json "d['artifacts']['problem'] and [w for w in d['warnings'] if w.startswith('not all artifacts were saved')]" "the run says that something is missing"
rm -rf held; ok "and all of it can be removed" test ! -e held

# a target that is full
if in_mount_namespace sh -c 'mkdir -p full && mount -t tmpfs -o size=256k,nr_inodes=100 t full' 2> /dev/null; then
	in_mount_namespace bash -c "mount -t tmpfs -o size=256k,nr_inodes=100 t full && '$SANDBOX_RUNNER' --wpk=honest.wpk.yaml --files=in --save-artifacts=full/a --override=test --format=json" > "$out" 2> "$err"; rc=$?
	status 0 "a full disk does not fail the run"
	json "'No space' in d['artifacts']['problem'] and d['artifacts']['left_out'] >= 1 and d['cleanup']['complete']" "it is said, and the clean-up is complete"
else
	skip "a full disk" "no mount namespaces here"
fi
left_nothing "artifacts"
finish
