#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is refused before a handler sees it, how every refusal looks, and requests that are sent twice.
. "$(dirname "$0")/lib.sh"
serve_start --host=dryrun.example.org || exit 1
port=${BASE##*:}
is_status() { [ "$STATUS" = "$1" ]; result $? "$2 ($1, got $STATUS)"; }
header() { grep -i "^$1:" "$HEADERS" | tail -n 1 | cut -d: -f2- | tr -d '\r' | sed 's/^ //'; }
problem() {	# WHAT: the answer is a problem, complete
	[ "$(header content-type)" = application/problem+json ] &&
		jq -e --arg s "$STATUS" --arg id "$(header x-request-id)" '(.detail | type == "string" and length > 0) and .title and (.status | tostring) == $s and .code
			and .type and .request_id == $id and (.instance | startswith("/"))' "$BODY" > /dev/null
	result $? "$1: a problem, complete"
}

# ---- names and origins
for host in 127.0.0.1 localhost localhost. LOCALHOST "127.0.0.1:$port" '[::1]:80' dryrun.example.org DryRun.Example.Org:443; do
	http GET /healthz -H "Host: $host"; is_status 200 "called $host"
done
for host in evil.example "evil.example:$port" 127.0.0.1.evil.example localhost.evil.example x.dryrun.example.org 10.1.2.3 0x7f000001 ''; do
	http GET /v1/runs -H "Host: $host"
	case $STATUS in 421|400) true ;; *) false ;; esac
	result $? "called '$host': refused ($STATUS)"
done
http POST /workflows -H 'Host: evil.example' -H 'Origin: http://evil.example' -F 'file=@/dev/null'
is_status 421 "a rebound name is refused, although the origin is the same"
problem "refused by name"
for origin in http://evil.example null "http://127.0.0.1:$((port + 1))" http://127.0.0.1 "http://127.0.0.1:$port.evil.example"; do
	http POST /workflows/hello-1.0.0/runs/notify -H "Origin: $origin" -H 'Content-Type: text/plain' --data '{"run_id":"x","status":"completed"}'
	is_status 403 "a page of $origin may not post"
done
http DELETE /workflows/hello-1.0.0 -H 'Sec-Fetch-Site: cross-site'; is_status 403 "nor delete"
problem "refused by origin"
http GET /v1/routes -H 'Origin: http://evil.example' -H 'Sec-Fetch-Site: cross-site'; is_status 200 "it may ask"
! grep -qi '^access-control' "$HEADERS"; result $? "and is not allowed to read"
http OPTIONS /v1/runs -H 'Origin: http://evil.example' -H 'Access-Control-Request-Method: POST'; is_status 204 "OPTIONS"
! grep -qi '^access-control' "$HEADERS"; result $? "a preflight is not granted"
[ "$(header allow)" = "POST, GET, HEAD, OPTIONS" ]; result $? "OPTIONS says what there is"
http POST /workflows/hello-1.0.0/runs/notify -H "Origin: http://127.0.0.1:$port" -H 'Sec-Fetch-Site: same-origin' --data '{"run_id":"x","status":"completed"}'
is_status 404 "our own page gets as far as the handler"
problem "not found by a handler"

# ---- paths, methods, sizes
http GET /nothing; is_status 404 "no such path"; problem "no such path"
http PATCH /v1/runs; is_status 405 "another method"; problem "another method"
[ "$(header allow)" = "POST, GET, HEAD, OPTIONS" ]; result $? "with what there is"
for path in /v1/runs/../../etc /v1/runs/%2e%2e /v1/runs/a%2fb /v1/runs/%00 /v1/runs/%ff '/v1/runs/%' //v1/runs '/v1/runs/a%5cb'; do
	http GET "$path" --path-as-is
	is_status 400 "$path"
done
problem "a bad path"
[ "$(jq -r .instance "$BODY")" = '/v1/runs/a%5cb' ]; result $? "instance is the path as it came"
http GET '/nothing?token=secret'; [ "$(jq -r .instance "$BODY")" = /nothing ]; result $? "without its query"
http HEAD /healthz -I; is_status 200 "HEAD"
http POST /workflows/hello-1.0.0/runs/notify --data-binary @<(head -c 70000 /dev/zero); is_status 413 "a body that is too large"
problem "too large"
http POST /v1/runs -H 'Content-Type: application/json' -H 'Content-Length: 99999999999' --data '{}'; is_status 413 "one that is announced as too large"
http GET /v1/runs -X GET --data '{}'; is_status 413 "a body with GET"
bad=
while read -r method path; do
	http "$method" "$path" -H 'Host: evil.example'
	[ "$STATUS" = 421 ] || bad="$bad $method $path: $STATUS;"
done < <(curl -sS "$BASE/v1/routes" | jq -r '.[] | .method + " " + (.path | gsub("{[a-z_]+}"; "unknown-1"))')
[ -z "$bad" ]; result $? "no route answers to a name that is not ours$bad"
bad=
while read -r path; do
	http GET "$path"
	for h in x-request-id x-content-type-options cache-control content-security-policy referrer-policy; do [ -n "$(header $h)" ] || bad="$bad $path: $h;"; done
done < <(curl -sS "$BASE/v1/routes" | jq -r '.[] | select(.method == "GET") | .path | gsub("{[a-z_]+}"; "unknown-1")')
[ -z "$bad" ]; result $? "every answer has the headers that browsers heed$bad"

# ---- ids
http GET /healthz -H 'X-Request-Id: ci-42_x.y'; [ "$(header x-request-id)" = ci-42_x.y ]; result $? "the client's id is kept"
has "$SERVE_LOG" '"request_id":"ci-42_x.y"' "and in the log"
http GET /healthz -H 'X-Request-Id: a b"c'; matches "$HEADERS" '^X-Request-Id: [0-9a-f]{32}' "one that is no word is replaced"
trace=0af7651916cd43dd8448eb211c80319c
http GET /healthz -H "traceparent: 00-$trace-b7ad6b7169203331-01"
case $(header traceparent) in 00-$trace-b7ad6b7169203331-*) false ;; 00-$trace-*-01) true ;; *) false ;; esac; result $? "a trace goes on, with a span of ours"
python3 - "$SERVE_LOG" <<'P'; result $? "the log is a JSON object a line"
import json, sys
lines = [l for l in open(sys.argv[1], encoding='utf-8') if l.startswith('{')]
assert len(lines) > 50
for line in lines:
    d = json.loads(line)
    assert {'ts', 'level', 'event', 'request_id', 'method', 'path', 'route', 'status', 'duration_us', 'who', 'address'} <= set(d), line
    assert '?' not in d['path'] and 'secret' not in line
P

# ---- twice
cat > "$work/hello.wpk.yaml" <<'Y'
apiVersion: v1
kind: WorkflowPackage
metadata: {name: hello, version: 1.0.0, description: says hello, author: tests}
spec:
  runtime: {type: shell, version: "1"}
  safety: {mode: manual}
  handlers:
    - {name: greet, type: shell, config: {command: "echo hello"}, timeout: 60s}
Y
http POST /workflows -F "file=@$work/hello.wpk.yaml"; is_status 200 "a package is registered"
notify() { http POST /workflows/hello-1.0.0/runs/notify -H 'Content-Type: application/json' "$@"; }
notify -H 'Idempotency-Key: k1' --data '{"run_id":"a","status":"completed"}' ; is_status 200 "a request with a key"
cp "$BODY" "$work/first"; first=$(header x-request-id)
notify -H 'Idempotency-Key: k1' --data '{"run_id":"a","status":"completed"}' ; is_status 200 "the same again"
cmp -s "$BODY" "$work/first"; result $? "has the same answer"
[ "$(header idempotent-replayed)" = true ] && [ "$(header x-request-id)" != "$first" ]; result $? "which says so, with an id of its own"
notify -H 'Idempotency-Key: k1' --data '{"run_id":"b","status":"completed"}'; is_status 422 "another body with that key"
problem "key used twice"
http POST '/workflows/hello-1.0.0/runs/notify?x=1' -H 'Idempotency-Key: k1' --data '{"run_id":"a","status":"completed"}'; is_status 422 "another target with that key"
notify -H 'Idempotency-Key: k2' --data '{"run_id":"a","status":"completed"}'
[ -z "$(header idempotent-replayed)" ]; result $? "another key is another request"
notify -H "Idempotency-Key: $(printf 'k%.0s' $(seq 256))" --data '{"run_id":"a","status":"completed"}'; is_status 400 "a key that is too long"
notify -H 'Idempotency-Key: a b' --data '{"run_id":"a","status":"completed"}'; is_status 400 "a key with a blank in it"
total() { http GET /workflows/hello-1.0.0/runs; body .total; }
before=$(total)
for _ in 1 2 3; do http POST /workflows/hello-1.0.0/dry-run -H 'Idempotency-Key: run' -H 'Prefer: respond-async'; done
is_status 202 "a dry run, asked for three times under one key"
[ "$(total)" = "$((before + 1))" ]; result $? "is one run"
cat > "$work/slow.wpk.yaml" < <(sed 's/echo hello/sleep 8/; s/name: hello/name: slow/' "$work/hello.wpk.yaml")
http POST /workflows -F "file=@$work/slow.wpk.yaml"
curl -sS --max-time 60 -X POST -H 'Idempotency-Key: slow' -o "$work/slow.json" "$BASE/workflows/slow-1.0.0/dry-run" 2> /dev/null & slow=$!
for _ in $(seq 100); do http GET /workflows/slow-1.0.0/runs; [ "$(body .total)" = 1 ] && break; sleep 0.05; done
http POST /workflows/slow-1.0.0/dry-run -H 'Idempotency-Key: slow'; is_status 409 "while the first is being answered the second waits its turn"
problem "in progress"
wait "$slow"
http POST /workflows/slow-1.0.0/dry-run -H 'Idempotency-Key: slow'; is_status 200 "afterwards it gets the answer"
[ "$(body .run_id)" = "$(jq -r .run_id "$work/slow.json")" ]; result $? "that of the first"
curl -sS --max-time 4 -X POST -H 'Idempotency-Key: gone' "$BASE/workflows/slow-1.0.0/dry-run" > /dev/null 2>&1
for _ in $(seq 100); do grep -q '"status":499' "$SERVE_LOG" && break; sleep 0.1; done
has "$SERVE_LOG" '"status":499' "a client that has gone is seen going"
before=$(http GET /workflows/slow-1.0.0/runs; body .total)
http POST /workflows/slow-1.0.0/dry-run -H 'Idempotency-Key: gone'; is_status 202 "whoever comes back with its key is told of the run that goes on"
[ "$(header idempotent-replayed)" = true ] && [ "$(http GET /workflows/slow-1.0.0/runs; body .total)" = "$before" ]; result $? "and begins no other"

# ---- what is recorded
http GET /v1/audit
if [ "$STATUS" = 200 ]; then
	jq -e '[.records[] | select(.event_type == "registry_upload") | .event_data | select(.status == 200 and .path == "/workflows" and (.body_sha256 | length) == 64)] | length == 2' "$BODY" > /dev/null
	result $? "what was changed is recorded, with its digest"
	[ "$(jq '[.records[] | select(.event_type == "registry_notify" and .event_data.status == 200)] | length' "$BODY")" = 2 ]; result $? "a replayed answer is no second change"
	[ "$(jq '[.records[] | select(.event_data.status == 403 or .event_data.status == 421)] | length' "$BODY")" = 0 ]; result $? "pages of others cannot fill the record"
else
	skip "what was changed is recorded" "the audit log cannot be read yet"
fi
finish
