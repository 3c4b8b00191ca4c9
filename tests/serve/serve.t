#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# serve as a command: what it refuses to begin with, how it begins, how it ends.
. "$(dirname "$0")/lib.sh"

refused() {	# status, text, what, option…
	local want=$1 text=$2 what=$3; shift 3
	timeout 20 "$SANDBOX_RUNNER" serve --data-dir="$work/refused" "$@" > "$out" 2> "$err" < /dev/null; rc=$?
	status "$want" "$what"
	err_has "$text" "$what: says so"
}
refused 2 'would let other hosts in' 'every address without tokens' --listen=0.0.0.0:0
refused 2 'would let other hosts in' 'every IPv6 address without tokens' --listen='[::]:0'
: > "$work/tokens"; chmod 600 "$work/tokens"
refused 2 'would let other hosts in' 'tokens without TLS' --listen=0.0.0.0:0 --tokens="$work/tokens"
refused 2 'belong together' 'a certificate without its key' --tls-cert="$work/tokens"
refused 2 'listen' 'what is no address' --listen=nonsense
refused 2 "takes no 'foo'" 'an operand' foo
refused 2 "--profil" 'a wrong option of run' -- --profil=restrictive
refused 2 'come after' 'a package after --' -- package.wpk.yaml
ok 'nothing was made meanwhile' test ! -e "$work/refused"
refused 3 'tokens' 'tokens that are not there' --listen=127.0.0.1:0 --tokens="$work/none" --state-dir="$work/state2"

serve_start || { finish; exit; }
ok 'it says where it listens' test -n "$BASE"
http GET /healthz; ok 'and answers there' test "$STATUS" = 200
ok 'the data folder is private' test "$(stat -c %a "$SERVE_DATA/data")" = 700
timeout 20 "$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$SERVE_DATA/data" --state-dir="$SERVE_DATA/state" > "$out" 2> "$err" < /dev/null; rc=$?
status 5 'a second service on the same data'
err_has "process $SERVE_PID" 'it names the first'
port=${BASE##*:}
timeout 20 "$SANDBOX_RUNNER" serve --listen="127.0.0.1:$port" --data-dir="$work/other" --state-dir="$SERVE_DATA/state" > "$out" 2> "$err" < /dev/null; rc=$?
status 5 'a port in use'
err_has "$port" 'it names the port'
serve_stop TERM; rc=$?
status 0 'SIGTERM'
serve_start; serve_stop INT; rc=$?
status 0 'SIGINT'

printf 'this is no database, and long enough to be looked at' > "$work/broken"
mkdir -p "$work/bad" && cp "$work/broken" "$work/bad/service.db"
timeout 20 "$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$work/bad" --state-dir="$SERVE_DATA/state" > "$out" 2> "$err" < /dev/null; rc=$?
status 5 'a database that is none'
err_has 'aside' 'the way out'
ok 'it is left alone' cmp "$work/broken" "$work/bad/service.db"

serve_start --listen="unix:$work/socket"
ok 'a unix socket beside' curl -sS -f --max-time 20 --unix-socket "$work/socket" http://localhost/healthz
ok 'for its user and group' test "$(stat -c %a "$work/socket")" = 660
serve_stop; ok 'and it is gone at the end' test ! -e "$work/socket"
serve_start --listen="unix:$work/socket"; serve_stop KILL 2> /dev/null
ok 'a killed service leaves its socket' test -S "$work/socket"
serve_start --listen="unix:$work/socket"
ok 'the next one takes it over' curl -sS -f --max-time 20 --unix-socket "$work/socket" http://localhost/healthz
serve_stop
finish
