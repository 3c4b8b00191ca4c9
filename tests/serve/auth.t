#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may what: tokens and their scopes on every route, the unix socket, how often.
. "$(dirname "$0")/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
tokens=$work/tokens

# ---- the command
run token ci --scope=read,dry-run --expires=2999-12-31
status 0 "a token is made"
out_matches '^ci read,dry-run sha256:[0-9a-f]{64} 2999-12-31$' "its line has a name, scopes, a digest and a date"
out_matches '^srt_[A-Za-z0-9_-]{43}$' "the token is shown"
digest=$(grep '^srt_' "$out" | tr -d '\n' | sha256sum | cut -d' ' -f1)
out_has "sha256:$digest" "the digest is that of the token"
run token ci --format=json
json "d['line'].startswith('ci read sha256:') and d['token'].startswith('srt_')" "as JSON; the usual scope is read"
for bad in --scope=everything --scope= --expires=tomorrow --expires=2020-01-01 --expires=2027-02-30; do
	run token ci "$bad"
	status 2 "token $bad is refused"
done
run token 'c/i'
status 2 "a name that could be a path is refused"
run token
status 2 "a name is needed"

# ---- the file
line() { "$SANDBOX_RUNNER" token "$1" --scope="$2" --format=json > "$work/token.json" && jq -r .token "$work/token.json" > "$work/$1.token" && jq -r .line "$work/token.json"; }
{ echo '# who may come in'; line reader read; line runner dry-run,validate; line boss admin; } > "$tokens"
printf 'old read,admin sha256:%s 2020-01-01\n' "$(printf old | sha256sum | cut -d' ' -f1)" >> "$tokens"
chmod 644 "$tokens"
run serve --listen=127.0.0.1:0 --data-dir="$work/d" --state-dir="$work/s" --config=none --tokens="$tokens"
status 2 "a tokens file that others may read is refused"
err_has "chmod 600 '$tokens'" "with what to do about it"
chmod 600 "$tokens"
cp "$tokens" "$work/broken"; chmod 600 "$work/broken"; echo 'boss' >> "$work/broken"
run serve --listen=127.0.0.1:0 --data-dir="$work/d" --state-dir="$work/s" --config=none --tokens="$work/broken"
status 2 "a line that cannot be read is refused"
err_has "$work/broken:6: " "with where it is"
run serve --listen=127.0.0.1:0 --data-dir="$work/d" --state-dir="$work/s" --config=none --tokens="$work/nothing"
err_has "$work/nothing" "so is a file that is not there"

# ---- every route
serve_start --tokens="$tokens" --listen="unix:$work/socket" || exit 1
as() { local who=$1; shift; http "$@" -H "Authorization: Bearer $(cat "$work/$who.token")"; }
as reader GET /v1/routes
[ "$STATUS" = 200 ]; result $? "a token lets in"
cp "$BODY" "$work/routes"
printf old > "$work/old.token"; printf srt_wrong > "$work/wrong.token"
check_routes() {	# WHAT WANTED WHO FILTER: each route that fits answers with that status
	local what=$1 wanted=$2 who=$3 filter=$4 bad='' method path n=0
	while read -r method path; do
		n=$((n + 1))
		if [ "$who" = nobody ]; then http "$method" "$path"; else as "$who" "$method" "$path"; fi
		[ "$STATUS" = "$wanted" ] && jq -e '.detail | type == "string"' "$BODY" > /dev/null && grep -qi '^www-authenticate: Bearer' "$HEADERS" || bad="$bad $method $path: $STATUS;"
	done < <(jq -r "map(select($filter))[] | .method + \" \" + (.path | gsub(\"{[a-z_]+}\"; \"unknown-1\"))" "$work/routes")
	[ -z "$bad" ] && [ "$n" -gt 0 ]; result $? "$what ($n routes)$bad"
}
check_routes "without a token nothing but what is public answers" 401 nobody '.public | not'
check_routes "nor with a wrong one" 401 wrong '.public | not'
check_routes "nor with one that has expired" 401 old '.public | not'
for who in reader runner boss; do
	scopes=$(grep "^$who " "$tokens" | cut -d' ' -f2)
	check_routes "scope $scopes lets in nowhere else" 403 $who "(.public | not) and (.scopes | split(\",\") - (\"$scopes\" | split(\",\")) | length) == (.scopes | split(\",\") | length)"
done
bad=
while read -r method path; do
	[ "$method" = GET ] || continue
	as reader GET "$path"
	case $STATUS in 401|403) bad="$bad $path: $STATUS" ;; esac
done < <(jq -r 'map(select(.scopes | split(",") | index("read")))[] | .method + " " + (.path | gsub("{[a-z_]+}"; "unknown-1"))' "$work/routes")
[ -z "$bad" ]; result $? "and where its scope is asked for it lets in$bad"
http GET /healthz
[ "$STATUS" = 200 ]; result $? "health needs no token"
http GET /v1/runs -H "Authorization: Basic $(cat "$work/reader.token")"
[ "$STATUS" = 401 ]; result $? "another scheme is none"
http GET "/v1/runs?access_token=$(cat "$work/reader.token")"
[ "$STATUS" = 401 ]; result $? "a token in the query is none"

# ---- the socket
code() { curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --unix-socket "$work/socket" "$@" 2> /dev/null; }
[ "$(code http://any.name/v1/routes)" = 200 ]; result $? "over the socket our own user needs no token, whatever Host says"
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
	chmod 755 "$work"; chmod 666 "$work/socket"
	other=$(setpriv --reuid=65534 --clear-groups curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --unix-socket "$work/socket" http://x/v1/routes 2> /dev/null)
	[ "$other" = 401 ]; result $? "another user does"
else
	skip "another user does" "needs root and setpriv"
fi

# ---- the file changes
until_status() {	# WANTED WHO
	local i
	for i in $(seq 200); do as "$2" GET /v1/routes; [ "$STATUS" = "$1" ] && return 0; sleep 0.1; done
	return 1
}
cp "$tokens" "$work/all"
grep -v '^reader' "$work/all" > "$work/new"; chmod 600 "$work/new"; mv "$work/new" "$tokens"
ok "who is taken out of the file is out" until_status 401 reader
(umask 077; { cat "$work/all"; echo 'broken line'; } > "$work/new"); mv "$work/new" "$tokens"
for _ in $(seq 200); do as boss GET /v1/routes; grep -q 'tokens of before still hold' "$SERVE_LOG" && break; sleep 0.1; done
matches "$SERVE_LOG" "$tokens:6: .*the tokens of before still hold" "a new file that cannot be read is told about"
as reader GET /v1/routes
[ "$STATUS" = 401 ]; result $? "and changes nothing"
(umask 077; cat "$work/all" > "$work/new"); mv "$work/new" "$tokens"
ok "mended, it holds" until_status 200 reader

# ---- what is kept of them
bad=
for who in reader runner boss; do grep -qF "$(cat "$work/$who.token")" "$SERVE_LOG" && bad="$bad $who"; done
[ -z "$bad" ]; result $? "no token is in the log$bad"
has "$SERVE_LOG" '"who":"reader"' "but whose it was"
serve_stop

# ---- how often
serve_start --tokens="$tokens" --rate=1 || exit 1
burst() { curl -sS --max-time 60 -D "$HEADERS" -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $(cat "$work/reader.token")" "$BASE/v1/routes?[1-60]" 2> /dev/null; }
limited=$(burst | grep -c 429)	# one client, one connection: faster than 2 a second on any machine
[ "$limited" -gt 0 ]; result $? "who comes too often is told so ($limited of 60)"
matches "$HEADERS" '^Retry-After: [1-9][0-9]*.?$' "and when to come again"
as boss GET /v1/audit
[ "$STATUS" != 429 ]; result $? "which is not the trouble of others"
http GET /healthz
[ "$STATUS" = 200 ]; result $? "nor of who looks after us"
wait_for() { local i; for i in $(seq 100); do as reader GET /v1/routes; [ "$STATUS" = 200 ] && return 0; sleep 0.2; done; return 1; }
ok "later it is let in again" wait_for
serve_stop

# ---- for other hosts
if command -v openssl > /dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=dryrun.example.org -addext 'subjectAltName=DNS:dryrun.example.org,IP:127.0.0.1' \
		-keyout "$work/key" -out "$work/cert" 2> /dev/null
	serve_start --tokens="$tokens" --tls-cert="$work/cert" --tls-key="$work/key" --listen=0.0.0.0:0 --host=dryrun.example.org || exit 1
	port=$(sed -n 's/^listening on https:\/\/0\.0\.0\.0:\([0-9]*\)$/\1/p' "$SERVE_LOG")
	far() { curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --cacert "$work/cert" --connect-to "::127.0.0.1:$port" "$@" 2> /dev/null; }
	[ "$(far https://dryrun.example.org/v1/routes)" = 401 ]; result $? "open to all hosts, nobody comes in without a token"
	[ "$(far https://dryrun.example.org/v1/routes -H "Authorization: Bearer $(cat "$work/reader.token")")" = 200 ]; result $? "with one, by its name"
	[ "$(far https://127.0.0.1/v1/routes -H "Authorization: Bearer $(cat "$work/reader.token")")" = 200 ]; result $? "and by an address"
	[ "$(far https://dryrun.example.org/healthz -H 'Host: evil.example')" = 421 ]; result $? "not by another name"
else
	skip "open to all hosts, nobody comes in without a token" "openssl is not installed"
fi
finish
