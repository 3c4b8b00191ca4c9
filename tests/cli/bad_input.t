#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever stands in the place of a package: a sentence about it at file:line:column, exit 3, quickly, and nothing is made.
. "$(dirname "$0")/lib.sh"

bad() {	# file, what must be said (extended regular expression), what it is
	local t0=${EPOCHREALTIME/./}
	run validate "$1"; local ms=$(((${EPOCHREALTIME/./} - t0) / 1000))
	status 3 "validate $3"
	out_matches "$2" "$3: says what is wrong"
	[ "$ms" -lt 1000 ]; result $? "$3: in less than a second ($ms ms)"
	ok "$3: few words" test "$(wc -l < "$out")" -lt 400
	run --wpk="$1"; status 3 "run $3"
	err_matches "$2" "$3: run says the same"
	out_is "" "$3: and nothing on stdout"
	run plan "$1"; status 3 "plan $3"
}

: > empty.wpk.yaml;				bad empty.wpk.yaml 'empty.wpk.yaml.*: error: ' "an empty file"
printf '# only words\n' > comment.wpk.yaml;	bad comment.wpk.yaml 'error: ' "a comment only"
head -c 4096 /dev/urandom > binary.wpk.yaml;	bad binary.wpk.yaml 'binary.wpk.yaml.*: error: ' "random bytes"
truncate -s 100M huge.wpk.yaml;			bad huge.wpk.yaml 'larger|more than the limit' "100 MB"
yes -- '- x' | head -c 3000000 > three.wpk.yaml;	bad three.wpk.yaml 'larger|more than the limit' "3 MB of YAML"
wpk tabs; sed -i 's/^  name: tabs/\tname: tabs/' tabs.wpk.yaml; bad tabs.wpk.yaml 'tabs.wpk.yaml:4:1: error: .*tab' "a tab as indentation"
wpk twice; sed -i 's/^  version:/  name: again\n  version:/' twice.wpk.yaml; bad twice.wpk.yaml 'twice.wpk.yaml:5:3: error: .*name' "a key given twice"
{ wpk two; cat two.wpk.yaml; echo ---; cat two.wpk.yaml; } > both.wpk.yaml; bad both.wpk.yaml 'both.wpk.yaml:[0-9]+:1: error: .*document' "two documents"
wpk unclosed; sed -i 's/{command: "echo hello"}/{command: "echo hello"/' unclosed.wpk.yaml; bad unclosed.wpk.yaml 'unclosed.wpk.yaml:[0-9]+:[0-9]+: error: ' "an unclosed brace"
printf '[%.0s' $(seq 1 65000) > brackets.wpk.yaml; bad brackets.wpk.yaml 'brackets.wpk.yaml:1:[0-9]+: error: .*deep' "64 KB of brackets"
{ echo 'a: &a [x,x,x,x,x,x,x,x,x]'; for c in b c d e f g h i j; do p=$(printf '%s' "$c" | tr b-j a-i); echo "$c: &$c [*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p]"; done; } > bomb.wpk.yaml
bad bomb.wpk.yaml 'bomb.wpk.yaml:[0-9]+:[0-9]+: error: ' "an alias bomb"
printf 'a: \0b\n' > nul.wpk.yaml;		bad nul.wpk.yaml 'error: ' "a NUL byte"
printf '\xff\xfe\x00' > half.wpk.yaml;		bad half.wpk.yaml 'error: ' "half a UTF-16 character"

printf 'just text\n' > text.wpk.yaml;		bad text.wpk.yaml 'text.wpk.yaml:1:1: error: ' "text"
printf -- '- a\n- b\n' > list.wpk.yaml;		bad list.wpk.yaml 'list.wpk.yaml:1:1: error: ' "a list"
printf 'on: push\njobs: {a: {runs-on: x, steps: []}}\n' > ci.wpk.yaml; bad ci.wpk.yaml 'error: ' "a CI file"
printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n' > deploy.wpk.yaml; bad deploy.wpk.yaml 'error: .*(Kubernetes|Deployment)' "a Kubernetes manifest"
printf '{"name": "x", "version": "1.0.0", "content": {"steps": ["a"]}, "signature": "s"}\n' > market.wpk.yaml; bad market.wpk.yaml 'error: ' "a marketplace package (dialect D)"
printf 'playbook_id: x\nsignature: s\npayload: {manifest: {}}\norchestration_id: y\n' > connector.wpk.yaml; bad connector.wpk.yaml 'error: ' "a connector manifest (dialect E)"

wpk none - <<< '    []'; sed -i -z 's/handlers:\n    \[\]/handlers: []/' none.wpk.yaml; bad none.wpk.yaml 'none.wpk.yaml:[0-9]+:[0-9]+: error: .*handler' "no handlers"
sed '/handlers:/,$d' none.wpk.yaml > without.wpk.yaml; bad without.wpk.yaml "without.wpk.yaml:[0-9]+:[0-9]+: error: .*handlers" "handlers left out"
wpk kind - <<< '    - {name: a, type: ftp, config: {command: "x"}}'; bad kind.wpk.yaml "kind.wpk.yaml:12:[0-9]+: error: .*ftp" "an unknown handler type"
wpk shel - <<< '    - {name: a, type: shel, config: {command: "x"}}'; bad shel.wpk.yaml "did you mean .?shell|help: .*shell" "a misspelt handler type"
wpk minus - <<< '    - {name: a, type: shell, timeout: "-5s", config: {command: "x"}}'; bad minus.wpk.yaml "minus.wpk.yaml:12:[0-9]+: error: .*negative" "a negative timeout"
wpk weird - <<< '    - {name: a, type: shell, timeout: "5 parsecs", config: {command: "x"}}'; bad weird.wpk.yaml "weird.wpk.yaml:12:[0-9]+: error: .*parsecs" "a timeout without unit"
wpk open - <<< '    - {name: a, type: api, config: {url: "http://${HOST/x", method: GET}}'; bad open.wpk.yaml 'open.wpk.yaml:12:[0-9]+: error: .*(\$\{|clos)' 'an unclosed ${'
cat > types.wpk.yaml <<'YAML'
apiVersion: [v1]
kind: WorkflowPackage
metadata: hello
spec:
  runtime: 3
  safety: []
  triggers: {}
  handlers: shell
  rollback: "no"
  validation: 1.5
YAML
bad types.wpk.yaml 'types.wpk.yaml:1:[0-9]+: error: ' "wrong types everywhere"
run validate types.wpk.yaml; ok "all of them are told at once" test "$(grep -c ': error: ' "$out")" -ge 6
wpk many - <<'YAML'
    - {name: a, type: ftp, config: {command: "x"}}
    - {name: b, type: shell, timeout: -1s, config: {command: "x"}}
    - {type: shell, config: {command: "x"}}
    - 17
YAML
run validate many.wpk.yaml; status 3 "four mistakes in one file"
for line in 12 13 14 15; do out_matches "many.wpk.yaml:$line:[0-9]+: error: " "the one on line $line is told"; done
out_has '^' "with the line and a caret"

# what is no file
mkdir folder; bad_plain() { run "$@"; status 3 "$*"; err_matches "sandbox_runner: error: .*$what" "$*: says why"; out_is "" "$*: nothing on stdout"; }
what='no-such-file' bad_plain --wpk=no-such-file.wpk.yaml
what='folder' bad_plain --wpk=folder
what='FIFO'; mkfifo fifo; bad_plain --wpk=fifo
what='device' bad_plain --wpk=/dev/null
what='' bad_plain --wpk="$(printf 'x%.0s' $(seq 1 5000))"
run validate no-such-file.wpk.yaml folder fifo; status 3 "validate what is no file"
for f in no-such-file.wpk.yaml folder fifo; do out_matches "$f: error: " "validate says what is wrong with $f"; done
if [ "$(id -u)" = 0 ]; then
	wpk secret; chmod 000 secret.wpk.yaml; chmod 755 "$work"
	if command -v setpriv > /dev/null && setpriv --reuid 65534 --clear-groups true 2>/dev/null; then
		setpriv --reuid 65534 --clear-groups "$SANDBOX_RUNNER" validate "$work/secret.wpk.yaml" > "$out" 2> "$err"; rc=$?
		status 3 "a file without permission"; out_matches 'secret.wpk.yaml: error: .*[Pp]ermission denied' "says so"
	else
		skip "a file without permission" "setpriv cannot drop to another user"
	fi
else
	wpk secret; chmod 000 secret.wpk.yaml; run validate secret.wpk.yaml
	status 3 "a file without permission"; out_matches 'secret.wpk.yaml: error: .*[Pp]ermission denied' "says so"
fi
stdin=empty.wpk.yaml; run --wpk=-; status 3 "an empty standard input"; unset stdin

# what is fine although it looks unusual
good() { run validate "$1"; status 0 "$2"; out_is "" "$2: nothing to say"; }
wpk crlf; sed -i 's/$/\r/' crlf.wpk.yaml; good crlf.wpk.yaml "CRLF"
wpk utf16; iconv -f UTF-8 -t UTF-16 utf16.wpk.yaml > wide.wpk.yaml; good wide.wpk.yaml "UTF-16 with a byte order mark"
wpk bom; { printf '\xef\xbb\xbf'; cat bom.wpk.yaml; } > marked.wpk.yaml; good marked.wpk.yaml "UTF-8 with a byte order mark"
wpk anchors - <<'YAML'
    - &a {name: a, type: shell, config: {command: "x"}}
    - {<<: *a, name: b}
YAML
good anchors.wpk.yaml "anchors and merge keys"
stdin=crlf.wpk.yaml; run validate -; status 0 "standard input"; unset stdin
left_nothing "bad input"
finish
