#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What ties a run to whoever started it: --notify, --run-id, --events-fd; and packages of a registry.
. "$(dirname "$0")/lib.sh"
command -v python3 > /dev/null || { echo 'python3 is not installed'; exit 77; }
wpk good
wpk bad - <<< '    - {name: no, type: shell, config: {command: "exit 3"}}'
printf 'apiVersion: [\n' > broken.wpk.yaml

# A registry that answers by the path: /fail/…: 500 the first time, /down/…: 500, /no/…: 404, /slow/…: never, /away/…: redirects. Requests are lines of
# `told`: path, authorization, body.
cat > registry.py <<'PY'
import http.server, json, sys, time
failed = set()
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def answer(self, status, body=b"{}", **headers):
        self.send_response(status)
        for k, v in headers.items(): self.send_header(k, v)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with open("told", "a") as f: f.write("%s|%s|%s\n" % (self.path, self.headers.get("Authorization"), body))
        if self.path.startswith("/slow/"): time.sleep(60)
        elif self.path.startswith("/fail/") and self.path not in failed: failed.add(self.path); self.answer(500, b"later")
        elif self.path.startswith("/down/"): self.answer(500, b"broken\x1b[31m")
        elif self.path.startswith("/no/"): self.answer(404, b'{"detail":"Workflow not found"}')
        elif self.path.startswith("/away/"): self.answer(307, Location="/workflows/elsewhere/runs/notify")
        else: self.answer(200)
    def do_GET(self):
        good = open("good.wpk.yaml").read()
        what = {"/workflows/good-1.0.0": json.dumps({"id": "good-1.0.0", "wpk_content": good}),
                "/workflows/none": json.dumps({"id": "x"}), "/workflows/number": json.dumps({"wpk_content": 7}), "/workflows/html": "<html>",
                "/workflows/large": json.dumps({"wpk_content": "#" * (2 << 20)}), "/workflows/huge": json.dumps({"x": "#" * (9 << 20)}),
                "/workflows/broken": json.dumps({"wpk_content": "apiVersion: ["})}.get(self.path)
        self.answer(200, what.encode()) if what else self.answer(404, b'{"detail":"Workflow not found"}')
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
open("port.new", "w").write(str(s.server_address[1]))
import os; os.rename("port.new", "port")
s.serve_forever()
PY
python3 registry.py > /dev/null 2>&1 & server=$!
trap 'kill $server 2> /dev/null; remove_work' EXIT
for _ in $(seq 400); do [ -s port ] && break; sleep 0.05; done
[ -s port ] || { echo 'the fake registry did not start'; exit 77; }
base=http://127.0.0.1:$(cat port)

told() { tail -n 1 told 2> /dev/null; }
tells() {	# WHAT EXIT STATUS_WORD AUTHORIZATION
	status "$2" "$1"
	ok "$1: it is told '$3'" sh -c 'printf "%s\n" "$1" | grep -qE "^/workflows/good-1.0.0/runs/notify\|$3\|\{\"run_id\":\"r-[a-z2-7]{26}\",\"status\":\"$2\",\"duration_ms\":[0-9]+\}$"' \
		sh "$(told)" "$3" "$4"
}
url=$base/workflows/good-1.0.0/runs/notify

run --wpk=good.wpk.yaml --notify="$url" --format=json; tells 'a good run' 0 completed None
ok 'with the name of the run' grep -qF "$(python3 -c 'import json; print(json.load(open(".stdout"))["run_id"])')" told
SANDBOX_RUNNER_NOTIFY_TOKEN=abc-123 run --wpk=bad.wpk.yaml --notify="$url"; tells 'a failed one, with a token' 1 failed 'Bearer abc-123'
out_lacks abc-123 'the token is not shown'; err_lacks abc-123 'nor told'
run --wpk=broken.wpk.yaml --notify="$url"; tells 'what never runs' 3 failed None
rm told
run --wpk=good.wpk.yaml --wpk=bad.wpk.yaml --notify="$url"; status 1 'two packages'
ok 'each is told' test "$(grep -c completed told)$(grep -c failed told)" = 11

rm told
run --wpk=good.wpk.yaml --notify="$base/fail/1"; status 0 'trouble of the server, once'; err_is '' 'nothing to say'
ok 'it was tried again' test "$(grep -c . told)" = 2
run --wpk=good.wpk.yaml --notify="$base/down/1"; status 0 'trouble that stays is a warning'
err_matches "^sandbox_runner: warning: nobody was notified of the run: telling '$base/down/1': it answers 500: 'broken" 'which says what'
ok 'without control characters' sh -c '! grep -q "$(printf "\033")" .stderr'
rm told
run --wpk=good.wpk.yaml --notify="$base/no/1"; status 0 'who does not know the workflow'; err_has 'it answers 404' 'says so'
ok 'and is asked once' test "$(grep -c . told)" = 1
run --wpk=good.wpk.yaml --notify="$base/away/1"; status 0 'who sends elsewhere'; err_has 'it answers 307' 'is not followed'
ok 'not with a token' test "$(grep -c elsewhere told)" = 0
run --wpk=bad.wpk.yaml --notify=http://127.0.0.1:9/x; status 1 'nobody there: the verdict stays'; err_has 'cannot connect' 'and it is said'
before=$SECONDS
run --wpk=good.wpk.yaml --notify="$base/slow/1"; status 0 'who never answers'; err_has 'nobody was notified' 'is not waited for'
ok 'for ever' test $((SECONDS - before)) -lt 40

run --wpk=good.wpk.yaml --notify=ftp://x/y; status 2 'a URL that is none'; err_has 'no URL' 'says so'
run --wpk=good.wpk.yaml --notify=http://me:geheim@127.0.0.1/; status 2 'credentials in the URL'; err_has SANDBOX_RUNNER_NOTIFY_TOKEN 'where they belong'; err_lacks geheim 'and are not repeated'
SANDBOX_RUNNER_NOTIFY_TOKEN=$'a\nX-Other: b' run --wpk=good.wpk.yaml --notify="$url"; status 2 'a token of two lines'; err_lacks X-Other 'not repeated'

# ---- a name given beforehand, and events on a descriptor
id=r-abcdefghijklmnopqrstuvwxyz
run --wpk=good.wpk.yaml --run-id=$id --format=json; status 0 'a name given'; json "d['run_id'] == '$id'" 'is the name'
run --wpk=good.wpk.yaml --run-id=$id; status 2 'a name that was used'; err_has 'already' 'says so'
mkdir -p "$work/state/runs/r-22222222222222222222222222"
run --wpk=good.wpk.yaml --run-id=r-22222222222222222222222222; status 2 'a name in use'; rm -rf "$work/state/runs/r-22222222222222222222222222"
for bad in '' r- x r-ABCDEFGHIJKLMNOPQRSTUVWXYZ r-abcdefghijklmnopqrstuvwxy r-abcdefghijklmnopqrstuvwxyz2 ../r-abcdefghijklmnopqrstuvw r-abcdefghijklmnopqrstuvwxy/; do
	run --wpk=good.wpk.yaml --run-id="$bad"; status 2 "'$bad' is no name"
done
run --wpk=good.wpk.yaml --wpk=bad.wpk.yaml --run-id=r-33333333333333333333333333; status 2 'one name for two packages'
"$SANDBOX_RUNNER" --wpk=good.wpk.yaml --events-fd=5 --format=json 5> events > "$out" 2> "$err"; rc=$?
status 0 'events beside a result'
ok 'all of them, whole' python3 -c '
import json
e = [json.loads(l) for l in open("events")]
assert [x["seq"] for x in e] == list(range(1, len(e) + 1)) and e[0]["type"] == "run.start" and e[-1]["type"] == "verdict"'
json "d['verdict'] == 'verified'" 'and stdout has the result alone'
"$SANDBOX_RUNNER" --wpk=broken.wpk.yaml --events-fd=5 --format=json 5> events > "$out" 2> "$err"; rc=$?
status 3 'what never runs'; ok 'has its verdict there, too' grep -q '"type":"verdict"' events
wpk fds - <<< '    - {name: look, type: shell, config: {command: "ls -l /proc/self/fd/ /proc/$PPID/fd/"}}'
"$SANDBOX_RUNNER" --wpk=fds.wpk.yaml --events-fd=5 5> secret-events > "$out" 2> "$err"; rc=$?
out_lacks secret-events 'the sandbox does not have the descriptor'
run --wpk=good.wpk.yaml --events-fd=77; status 2 'a descriptor that is closed'
"$SANDBOX_RUNNER" --wpk=good.wpk.yaml --events-fd=5 5< events > "$out" 2> "$err"; rc=$?; status 2 'one for reading'
run --wpk=good.wpk.yaml --events-fd=1; status 2 'standard output'

# ---- a package of a registry
run --wpk=registry+$base/workflows/good-1.0.0 --format=json; status 0 'a package of a registry'
json "d['package']['workflow_id'] == 'good-1.0.0' and d['package']['source'] == 'registry+$base/workflows/good-1.0.0'" 'is known as such'
run validate registry+$base/workflows/good-1.0.0; status 0 'validated, too'
remote() { run --wpk="registry+$base/workflows/$1"; status "$2" "registry: $1"; err_has "$3" "registry: $1: says what"; }
remote unknown 8 404
remote none 8 wpk_content
remote number 8 wpk_content
remote html 8 'no JSON'
remote large 3 'more than the limit'
remote huge 3 limit
remote broken 3 'registry+'
run --wpk=registry+ftp://x/y; status 2 'registry+ftp'
left_nothing 'all of them'
finish
