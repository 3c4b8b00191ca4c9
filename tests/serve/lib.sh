# SPDX-License-Identifier: Apache-2.0
# tests/serve: a service of our own, on a port the kernel picks, with a data folder that goes away.
# shellcheck shell=bash
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd); repo=$(cd "$here/../.." && pwd)
# shellcheck source=tests/cli/lib.sh
. "$repo/tests/cli/lib.sh"
command -v curl > /dev/null || { echo 'curl is not installed'; exit 77; }
command -v jq > /dev/null || { echo 'jq is not installed'; exit 77; }
unset SANDBOX_RUNNER_TEST_TIME	# a service needs a clock that goes
SERVE_DATA=$work/serve; mkdir -p "$SERVE_DATA"
SERVE_PID=
# can this host hold a run to that control, or, without a cgroup of ours, not even measure it?
enforced() {
	[ -s "$SERVE_DATA/doctor.json" ] || "$SANDBOX_RUNNER" doctor --format=json > "$SERVE_DATA/doctor.json" 2> /dev/null
	[ "$(jq -r --arg c "$1" '.controls[] | select(.control == $c) | .state' "$SERVE_DATA/doctor.json")" = enforced ]
}
# what jq says of a memory peak: it is a number where memory is counted, and null elsewhere
memory_peak() { if enforced memory; then echo "$1 > 0"; else echo "$1 == null"; fi; }
# serve_start [OPTION…]: sets BASE ("http://127.0.0.1:PORT") and SERVE_PID; SERVE_LOG is what it says. Options after -- go to the runs.
serve_start() {
	SERVE_LOG=$SERVE_DATA/log
	: > "$SERVE_LOG"
	"$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$SERVE_DATA/data" --state-dir="$SERVE_DATA/state" --config=none "$@" > "$SERVE_LOG" 2>&1 &
	SERVE_PID=$!
	for _ in $(seq 600); do
		BASE=$(sed -n 's/^listening on \(http[s]*:.*\)$/\1/p' "$SERVE_LOG" | head -n 1)
		[ -n "$BASE" ] && return 0
		kill -0 "$SERVE_PID" 2> /dev/null || break
		sleep 0.05
	done
	sed 's/^/# /' "$SERVE_LOG"; return 1
}
serve_stop() {	# [SIGNAL]: waits for the end; its status
	[ -n "$SERVE_PID" ] || return 0
	kill -"${1:-TERM}" "$SERVE_PID" 2> /dev/null
	wait "$SERVE_PID"; local rc=$?
	SERVE_PID=
	return $rc
}
serve_end() { serve_stop KILL 2> /dev/null; remove_work; }
trap serve_end EXIT
# http METHOD PATH [curl option…]: STATUS, BODY and HEADERS (file) of the answer
HEADERS=$SERVE_DATA/headers
http() {
	local method=$1 path=$2; shift 2
	BODY=$SERVE_DATA/body
	STATUS=$(curl -sS --max-time "${HTTP_TIMEOUT:-60}" -X "$method" -D "$HEADERS" -o "$BODY" -w '%{http_code}' "$@" "$BASE$path" 2> "$SERVE_DATA/curl.err")
}
body() { jq -r "$1" "$BODY"; }	# a value of the answer
