#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Events and logs of runs, over a socket: followed, resumed, in great numbers, by clients that do not read.
. "$(dirname "$0")/lib.sh"
: > "$out"; : > "$err"
said() { [ "$STATUS" = "$1" ] || { echo "# $STATUS: $(head -c 500 "$BODY")"; result 1 "$2"; return; }; result 0 "$2"; }	# status, what
package() {	# name, command, file
	printf '%s\n' 'apiVersion: v1' 'kind: WorkflowPackage' "metadata: {name: $1, version: 1.0.0, description: d, author: a}" 'spec:' '  runtime: {type: shell}' \
		'  safety: {mode: auto}' '  handlers:' '    - name: one' '      type: shell' '      config:' '        command: |' "          $2" > "$3"
}
behind() { awk -v l="$1" 'f; $0 == l { f = 1 }'; }
until_has() { local i; for i in $(seq 600); do grep -qF -- "$2" "$1" 2> /dev/null && return; sleep 0.1; done; return 1; }	# file, text
start_run() { http POST /v1/runs -F "file=@$1"; id=$(body .run_id); [ "$STATUS" = 202 ]; }
package quick 'printf "%s\n" one "tw\"o"; printf err >&2' quick.wpk.yaml
package slow 'echo begin; sleep 300; echo end' slow.wpk.yaml
# 40,000 lines: more than any buffer on the way holds
package loud 'seq 1 40000; echo äöü€😀' loud.wpk.yaml

serve_start || { finish; exit; }
http POST '/v1/runs?wait=60s' -F file=@quick.wpk.yaml; said 200 'a run'; id=$(body .run_id)
file=$SERVE_DATA/data/runs/$id/events.ndjson
http GET "/v1/runs/$id/events"; said 200 'its events'; ok 'as the run wrote them' cmp "$BODY" "$file"
grep -qi '^content-type: application/x-ndjson' "$HEADERS"; result $? 'an object a line'
http GET "/v1/runs/$id/events" -H 'Accept: text/event-stream'; said 200 'as server-sent events'
grep -qi '^content-type: text/event-stream' "$HEADERS"; result $? 'of their type'
cp "$BODY" all.sse
sed -n 's/^data: //p' all.sse | head -n -1 > data; ok 'the same lines' cmp data "$file"
ok 'with the type of each' test "$(sed -n 's/^event: //p' all.sse | head -n -1 | tr '\n' ' ')" = "$(jq -r .type "$file" | tr '\n' ' ')"
ok 'the last is the run' test "$(sed -n 's/^data: //p' all.sse | tail -n 1 | jq -r '.run_id + .state + .verdict')" = "${id}endedverified"
ok 'ids are offsets behind lines' test "$(sed -n 's/^id: //p' all.sse | tail -n 2 | head -n 1)" = "$(stat -c %s "$file")"
wrong=0
for last in $(sed -n 's/^id: //p' all.sse | grep -v end); do	# from every place, nothing is lost and nothing comes twice
	http GET "/v1/runs/$id/events" -H 'Accept: text/event-stream' -H "Last-Event-ID: $last"
	[ "$(sed -n 's/^id: //p' "$BODY")" = "$(sed -n 's/^id: //p' all.sse | behind "$last")" ] || wrong=$((wrong + 1))
done
ok 'Last-Event-ID goes on behind each' test $wrong = 0
http GET "/v1/runs/$id/events" -H 'Accept: text/event-stream' -H 'Last-Event-ID: end'; said 204 'behind the end there is nothing'
http GET "/v1/runs/$id/events" -H 'Last-Event-ID: 3'; said 400 'what is no id'
http GET "/v1/runs/$id/logs"; said 200 'logs'; ok 'what steps wrote' test "$(cat "$BODY")" = "$(printf 'one\ntw"o\nerr')"
http GET "/v1/runs/$id/logs?stream=stderr&step=1"; ok 'of a stream' test "$(cat "$BODY")" = err
http GET "/v1/runs/$id/logs?step=9"; ok 'of no step' test ! -s "$BODY"
http GET /v1/runs/r-aaaaaaaaaaaaaaaaaaaaaaaaaa/events; said 404 'a run that nobody knows'

http POST '/v1/runs?wait=100s' -F file=@loud.wpk.yaml; said 200 'a loud run'; id=$(body .run_id)
{ seq 1 40000; echo äöü€😀; } > want
http GET "/v1/runs/$id/logs"; ok 'all of what it wrote' cmp want "$BODY"
http GET "/v1/runs/$id/events"; ok 'all of its events' cmp "$BODY" "$SERVE_DATA/data/runs/$id/events.ndjson"

# ---- a run that goes on
start_run slow.wpk.yaml; result $? 'a run that takes long'
curl -sSN --max-time 300 -H 'Accept: text/event-stream' "$BASE/v1/runs/$id/events" > live.sse & live=$!
curl -sSN --max-time 300 "$BASE/v1/runs/$id/logs?follow=true" > live.log & log=$!
until_has live.log begin; result $? 'its log is followed'
until_has live.sse step.output; result $? 'its events are followed'
ok 'it has not ended for them' kill -0 $live $log
# as a browser does after a cut: with the last id it had
last=$(sed -n 's/^id: //p' live.sse | tail -n 1)
curl -sSN --max-time 300 -H 'Accept: text/event-stream' -H "Last-Event-ID: $last" "$BASE/v1/runs/$id/events" > resumed.sse & resumed=$!
http GET "/v1/runs/$id/events?follow=false"; said 200 'what is there so far'; grep -q begin "$BODY"; result $? 'is there'
python3 - "$BASE" "$id" "$SERVE_PID" > streams <<'END'
import re, resource, socket, sys, time
base, run, pid = sys.argv[1:]
port = int(base.rsplit(":", 1)[1])
n = 1000
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard == resource.RLIM_INFINITY else min(hard, 4096), hard))
n = min(n, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 50)
rss = lambda: int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])
before, streams = rss(), []
for i in range(n):
    s = socket.create_connection(("127.0.0.1", port), 60)
    s.sendall(f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
    streams.append(s)
for s in streams:
    got = b""
    while b"step.output" not in got:
        piece = s.recv(65536)
        assert piece, got[:300]
        got += piece
print(n, "streams cost", rss() - before, "KiB")
ok = rss() - before < 64 << 10
probe = socket.create_connection(("127.0.0.1", port), 60)
probe.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
ok = ok and b"200" in probe.recv(4096)
print("good" if ok else "bad")
END
sed 's/^/# /' streams; grep -q good streams; result $? 'a thousand streams cost less than 64 MiB, and others are answered'
http GET /metrics; said 200 'the service is well'

for _ in $(seq 400); do grep -qx : live.sse && break; sleep 0.1; done
grep -qx : live.sse; result $? 'a comment keeps a silent stream alive'
[ "$(grep -cx : live.log)" = 0 ]; result $? 'but not a text'

# clients that stop reading: their own connection is all they hold
start_run loud.wpk.yaml
python3 - "$BASE" "$id" > deaf <<'END' & deaf=$!
import socket, sys, time
base, run = sys.argv[1:]
port, deaf = int(base.rsplit(":", 1)[1]), []
for i in range(20):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); s.connect(("127.0.0.1", port))
    s.sendall(f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: x\r\nHost: 127.0.0.1:{port}\r\n\r\n".replace("Host: x\r\n", "").encode())
    deaf.append(s)
print("deaf", flush=True); time.sleep(1000)
END
until_has deaf deaf
http GET "/v1/runs/$id/logs?follow=true"; said 200 'beside clients that do not read'; ok 'another gets it all' cmp want "$BODY"
kill $deaf; wait $deaf 2> /dev/null

slow=$(jq -r 'select(.type == "run.start") | .run_id' <(sed -n 's/^data: //p' live.sse) | head -n 1)
http POST "/v1/runs/$slow/cancel"; said 202 'the end'
wait $live; result $? 'streams end with the run'; wait $log; result $? 'and its log'; wait $resumed; result $? 'and the resumed one'
ok 'with the event "end"' test "$(sed -n 's/^event: //p' live.sse | tail -n 1)" = end
ok 'the resumed one has the rest' test "$(sed -n 's/^id: //p' resumed.sse)" = "$(sed -n 's/^id: //p' live.sse | behind "$last")"
serve_stop; rc=$?
status 0 'the service ends well'
finish
