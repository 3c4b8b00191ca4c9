#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# /v1/exec: a piece of code, once, in a sandbox that waited for it; and the pool these come from.
. "$(dirname "$0")/lib.sh"
: > "$out"; : > "$err"
order() { http POST /v1/exec -H 'Content-Type: application/json' --data-binary "$1"; }
order_of() { jq -n "$@" > "$work/order.json"; http POST /v1/exec -H 'Content-Type: application/json' --data-binary @"$work/order.json"; }
pool() { http GET /v1/exec/pool; body "$1"; }
until_pool() { local i; for i in $(seq 600); do [ "$(pool "$1")" = "$2" ] && return 0; sleep 0.1; done; echo "# $(cat "$BODY")"; return 1; }
says() { local got; got=$(body "$1"); [ "$got" = "$2" ]; result $? "$3" || { echo "# $1: '$got', not '$2'"; head -c 600 "$BODY" | sed 's/^/# /'; }; }
gone() { local i; for i in $(seq 300); do [ -z "$(find "$SERVE_DATA/state/runs" -mindepth 1 2> /dev/null)" ] && return 0; sleep 0.1; done; find "$SERVE_DATA/state/runs" | sed 's/^/# /'; return 1; }

serve_start || { finish; exit; }
order '{"language": "bash", "code": "echo"}'
ok 'off by itself' test "$STATUS" = 501
http GET /v1/exec/pool; ok 'and so is the pool' test "$STATUS" = 501
serve_stop

serve_start --exec-pool=2 || { finish; exit; }
until_pool .warm 2; result $? 'two sandboxes wait'
order '{"language": "bash", "code": "echo out; echo err >&2; cat; cat a/b.txt; exit 3", "stdin": "in\n", "files": {"a/b.txt": "file\n"}}'
says '[.status, .exit_code, .stdout, .stderr, .warm, .truncated] | tojson' '["failed",3,"out\nin\nfile\n","err\n",true,false]' 'code, input, files, status, both streams'
says '[.duration_ms, .cpu_ms, .memory_peak_bytes | type] | join(" ")' "number number $(enforced memory && echo number || echo null)" 'what it took'
says '[.limit, .signal, (.security_events | length)] | tojson' '[null,null,0]' 'and nothing else to tell'
until_pool .warm 2; result $? 'the one that was used is replaced'
ok 'nothing is used twice' test "$(pool '.workers.started - .orders.warm')" = 2

order '{"language": "bash", "code": "touch left /tmp/left; sleep 100 & echo $$"}'
order '{"language": "bash", "code": "ls /work /tmp; ps | grep -c sleep; id -u; ls /root 2>&1 | head -n 1"}'
says '.stdout | contains("left")' false 'no order sees what another left'
command -v python3 > /dev/null && [ -x /usr/bin/python3 ] && {
	order '{"language": "python", "code": "import sys; print(sys.stdin.read() * 2)", "stdin": "ab"}'
	says .stdout abab 'python'
}
[ -x /usr/bin/node ] && { order '{"language": "nodejs", "code": "console.log(6 * 7)"}'; says .stdout 42 'nodejs'; }
[ -x /usr/bin/go ] && { order '{"language": "go", "code": "package main\nimport \"fmt\"\nfunc main() { fmt.Println(6 * 7) }", "timeout": 60}'; says .stdout 42 'go'; }
[ -x /usr/bin/go ] || { order '{"language": "go", "code": "package main"}'; ok 'go is not there: 422, and what to install' test "$STATUS $(body '.detail | contains("golang-go")')" = '422 true'; }

order '{"language": "bash", "code": "while :; do :; done", "timeout": 1}'
says '[.status, .exit_code] | tojson' '["timed_out",null]' 'time'
enforced memory && order '{"language": "bash", "code": "x=$(head -c 200M /dev/zero | tr \"\\0\" x)", "mem_limit": "48Mi"}'
enforced memory && says '[.status, .limit, .warm] | tojson' '["limit","memory",false]' 'memory of its own: a sandbox of its own'
order '{"language": "bash", "code": "head -c 3M /dev/zero | tr \"\\0\" x"}'
says '[.status, .truncated, (.stdout | length)] | tojson' '["completed",true,262144]' 'more output than is told'
order '{"language": "bash", "code": "kill -9 $$"}'
says '[.status, .exit_code, .signal] | tojson' '["failed",null,9]' 'a signal'
if enforced observation; then
	order '{"language": "bash", "code": "mount -t tmpfs none /mnt || echo refused"}'
	says '[.stdout, (.security_events | map(select(.kind == "call" and (.subject | test("^(mount|fsopen)$")) and .allowed == false)) | length)] | tojson' '["refused\n",1]' 'an attempt is refused and told'
	order '{"language": "bash", "code": "exec 3<>/dev/tcp/192.0.2.1/80 || echo refused"}'
	says '[.stdout, (.security_events | map(select(.kind == "connect")) | length > 0)] | tojson' '["refused\n",true]' 'no network'
fi
order '{"language": "bash", "code": "cat '"$SERVE_DATA"'/data/service.db; ls '"$SERVE_DATA"' / 2>&1 | grep -c serve.data"}'
says '.stdout | contains("SQLite")' false 'nothing of the service can be seen'

# ---- what is no order
while IFS='	' read -r text detail; do
	order "$text"
	ok "no order: $text" test "$STATUS $(body '.detail' | grep -cF -- "$detail")" = '422 1' || sed 's/^/# /' "$BODY"
done <<'TABLE'
	invalid
[]	is an object
{}	'language' is missing
{"language": "bash"}	'code' is missing
{"language": "perl", "code": "1"}	language 'perl' is not known
{"language": 1, "code": "1"}	'language' must be
{"language": "bash", "code": ""}	'code' must be
{"language": "bash", "code": "1", "stdin": 1}	'stdin' must be
{"language": "bash", "code": "1", "codes": "2"}	'codes' is no member
{"language": "bash", "code": "1", "timeout": "1h"}	'timeout' must be
{"language": "bash", "code": "1", "timeout": -1}	'timeout' must be
{"language": "bash", "code": "1", "timeout": 1e300}	'timeout' must be
{"language": "bash", "code": "1", "mem_limit": "1Ti"}	'mem_limit' must be
{"language": "bash", "code": "1", "mem_limit": "x"}	'mem_limit'
{"language": "bash", "code": "1", "cpu_limit": 0}	'cpu_limit' must be
{"language": "bash", "code": "1", "files": []}	'files' must be
{"language": "bash", "code": "1", "files": {"../x": ""}}	'../x' of 'files'
{"language": "bash", "code": "1", "files": {"/etc/x": ""}}	'/etc/x' of 'files'
{"language": "bash", "code": "1", "files": {"a//b": ""}}	'a//b' of 'files'
{"language": "bash", "code": "1", "files": {"a": 1}}	'a' of 'files'
{"language": "bash", "code": "1", "files": {"main.sh": ""}}	must not have 'main.sh'
TABLE
order_of '{language: "bash", code: "1", files: ([range(300)] | map({key: "f\(.)", value: ""}) | from_entries)}'
ok 'too many files' test "$STATUS $(body '.detail | contains("at most 256")')" = '422 true'
order_of '{language: "bash", code: "cat f0 f255 | wc -c", files: ([range(256)] | map({key: "f\(.)", value: "abc"}) | from_entries)}'
says .stdout 6 'as many as may be'
order_of '{language: "bash", code: "wc -c; wc -c < big", stdin: ("x" * 300000), files: {big: ("y" * 400000)}}'
says '.stdout | split("\n") | tojson' '["300000","400000",""]' 'an order larger than a pipe'

# ---- many at once, and who goes away
for i in $(seq 16); do
	curl -sS --max-time 120 "$BASE/v1/exec" --data-binary "{\"language\": \"bash\", \"code\": \"sleep 0.2; echo $i\"}" > "$work/many.$i" &
	many="${many:-} $!"
done
wait $many
ok 'sixteen at once: each gets its own answer' test "$(for i in $(seq 16); do jq -r .stdout "$work/many.$i"; done | grep . | tr '\n' ' ')" = "$(seq -s ' ' 16) "
until_pool '[.warm, .busy, .waiting] | tojson' '[2,0,0]'; result $? 'then the pool is as before'
curl -sS --max-time 120 "$BASE/v1/exec" --data-binary '{"language": "bash", "code": "sleep 300", "timeout": 300}' > /dev/null 2>&1 & client=$!
until_pool .busy 1; result $? 'an order that takes long'
kill "$client"; wait "$client" 2> /dev/null
until_pool '[.busy, .orders.forgotten] | tojson' '[0,1]'; result $? 'who goes away takes his order along'

# ---- health and size
victim=$(pgrep -P "$SERVE_PID" -f '[e]xec-worker' | head -n 1)
kill -9 "$victim"
until_pool '[.warm, .workers.died] | tojson' '[2,1]'; result $? 'a worker that dies is replaced'
http POST /v1/exec/pool --data-binary '{"size": 4}'; ok 'the pool grows' test "$STATUS" = 200
until_pool .warm 4; result $? 'to four'
http POST /v1/exec/pool --data-binary '{"size": 1}'
until_pool .warm 1; result $? 'and shrinks to one'
for bad in '{}' '{"size": -1}' '{"size": 65}' '{"size": "2"}' '[' ''; do http POST /v1/exec/pool --data-binary "$bad"; ok "no size: $bad" test "$STATUS" = 422; done
http POST /v1/exec/pool --data-binary '{"size": 0}'
until_pool .warm 0; result $? 'to nothing'
order '{"language": "bash", "code": "echo cold"}'
says '[.stdout, .warm] | tojson' '["cold\n",false]' 'then an order gets a cold one'
until_pool '.busy' 0
sleep 0.2; gone; result $? 'and nothing of all these is left'
ok 'every sandbox was removed completely' test "$(pool .workers.unclean)" = 0
http GET /metrics
ok 'it is counted' grep -q '^sandbox_runner_exec_total{language="bash",status="timed_out"} 1$' "$BODY"
ok 'nothing leaked' grep -q '^sandbox_runner_leaked_resources 0$' "$BODY"

http POST /v1/exec/pool --data-binary '{"size": 3}'
until_pool .warm 3
serve_stop TERM; rc=$?; status 0 'the service ends with a full pool'
gone; result $? 'and leaves nothing'
serve_start --exec-pool=1 --grace=60s
until_pool .warm 1
curl -sS --max-time 120 "$BASE/v1/exec" --data-binary '{"language": "bash", "code": "sleep 2; echo still", "timeout": 60}' > "$work/last" 2>&1 & client=$!
until_pool .busy 1
serve_stop TERM; rc=$?; wait "$client"
status 0 'the service ends while an order runs'
ok 'which is still answered' test "$(jq -r .stdout "$work/last")" = still
serve_start --exec-pool=2
until_pool .warm 2
curl -sS --max-time 60 "$BASE/v1/exec" --data-binary '{"language": "bash", "code": "sleep 300", "timeout": 300}' > /dev/null 2>&1 & client=$!
until_pool .busy 1; result $? 'one works'
serve_stop KILL 2> /dev/null; wait "$client"
gone; result $? 'a killed service leaves nothing either'
finish
