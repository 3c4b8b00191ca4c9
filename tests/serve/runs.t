#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The runs of the service: a bounded queue, what the operator says to all, cancelling, a process that is killed, stopping, and what is kept.
. "$(dirname "$0")/lib.sh"
wpk quick
wpk long - <<< '    - {name: long, type: shell, config: {command: "echo begun; sleep 600"}}'
submit() { http POST /v1/runs -H 'Content-Type: application/yaml' --data-binary "@$1.wpk.yaml" "${@:2}"; id=$(body .run_id); }
row() { http GET "/v1/runs/$1"; body "$2"; }
until_row() { local i; for i in $(seq 1200); do [ "$(row "$1" "$2")" = "$3" ] && return 0; sleep 0.05; done; return 1; }
until_begun() { local i; for i in $(seq 1200); do grep -q begun "$SERVE_DATA/data/runs/$1/events.ndjson" 2> /dev/null && return 0; sleep 0.05; done; return 1; }
runner_of() { sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$SERVE_DATA/state/runs/$1/journal" | head -n 1; }
nothing_left() { local i; for i in $(seq 200); do [ -z "$(ls "$SERVE_DATA/state/runs" 2> /dev/null)" ] && return 0; sleep 0.05; done; return 1; }

timeout 20 "$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$SERVE_DATA/data" --state-dir="$SERVE_DATA/state" -- --format=text > "$out" 2> "$err"; rc=$?
status 2 'what only the service may say to runs'; err_has "'--format' cannot be given" 'is refused by name'

serve_start --runs=1 --queue=2 -- --profile=restrictive
submit long; first=$id
ok 'a run is taken' test "$STATUS" = 202
submit quick; second=$id
submit quick; third=$id
submit quick
ok 'more than may wait is refused' test "$STATUS" = 429
ok 'with when to come again' grep -qiE '^retry-after: [1-9]' "$HEADERS"
ok 'and why' test "$(body .detail | grep -c 'try again later')" = 1
ok 'the first is at work' until_begun "$first"
ok 'it says so' test "$(row "$first" .state)" = running
ok 'the second waits' test "$(row "$second" .state)" = queued
http POST "/v1/runs/$second/cancel"
ok 'one that waits is cancelled at once' test "$(row "$second" '.state + " " + .verdict')" = 'ended cancelled'
http POST "/v1/runs/$first/cancel"
ok 'one that is at work ends' until_row "$first" .state ended
ok 'as cancelled' test "$(row "$first" '.verdict + " " + (.exit_status|tostring)')" = 'cancelled 143'
ok 'by somebody' test "$(row "$first" .detail | grep -c '^cancelled by ')" = 1
ok 'the third moves up' until_row "$third" .verdict verified
ok 'under the profile of the operator' jq -e '.profile == "restrictive"' "$SERVE_DATA/data/runs/$third/result.json"

submit long; until_begun "$id"
kill -KILL "$(runner_of "$id")"
ok 'a run whose process is killed ends' until_row "$id" .state ended
ok 'as what it is' test "$(row "$id" .detail | grep -c 'signal 9')" = 1
ok 'and is cleaned up after' nothing_left
submit quick; until_row "$id" .state ended
ok 'the next one runs' test "$(row "$id" .verdict)" = verified

# ---- stopping
serve_stop
serve_start --runs=1 --grace=200ms
submit long; first=$id; submit quick; second=$id
until_begun "$first"
serve_stop TERM; rc=$?
status 0 'SIGTERM with a run at work'
ok 'nothing of it is left' nothing_left
mkdir -p "$SERVE_DATA/data/runs/r-orphanorphanorphanorphanor"	# made before the row, by one that died between
serve_start --runs=2 --keep-runs=3
ok 'what was at work was cancelled' test "$(row "$first" .verdict)" = cancelled
ok 'because of that' test "$(row "$first" .detail | grep -c stopping)" = 1
ok 'what waited was told so' test "$(row "$second" '.verdict + ": " + .detail')" = 'cancelled: the service was stopping before it began'
ok 'a folder without a row is gone' test ! -e "$SERVE_DATA/data/runs/r-orphanorphanorphanorphanor"

# ---- dying
submit long; until_begun "$id"
serve_stop KILL 2> /dev/null
ok 'a service that dies takes its runs with it' nothing_left
serve_start --runs=2 --keep-runs=3
ok 'the next one says so' test "$(row "$id" '.state + " " + .verdict')" = 'ended interrupted'
ok 'and when' test "$(row "$id" .detail | grep -cE 'last heard of at 20.*started again at 20')" = 1

# ---- what is kept
submit quick; kept=$id
for _ in $(seq 34); do submit quick '-sS'; until_row "$id" .state ended; done
for _ in $(seq 100); do [ -e "$SERVE_DATA/data/runs/$kept" ] || break; sleep 0.05; done
ok 'the files of old runs go' test ! -e "$SERVE_DATA/data/runs/$kept"
ok 'not many are left' test "$(ls "$SERVE_DATA/data/runs" | wc -l)" -le 19
ok 'their rows stay' test "$(row "$kept" '.verdict + " " + (.files|tostring)')" = 'verified false'
http GET "/v1/runs/$kept/result"; ok 'a result that is gone is said to be gone' test "$STATUS" = 410 -o "$STATUS" = 404
ok 'the newest is there' test -e "$SERVE_DATA/data/runs/$id/result.json"
ok 'its files are for the owner only' test "$(stat -c %a "$SERVE_DATA/data/runs/$id" "$SERVE_DATA/data/runs/$id/result.json" | tr '\n' ' ')" = '700 600 '
ok 'what said nothing has no stderr.txt' test ! -e "$SERVE_DATA/data/runs/$id/stderr.txt"
serve_stop; rc=$?; status 0 'it stops'
finish
