#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run: sources, parameters, secrets, files, limits, logs, rollback, and the JSON that all of it ends in.
. "$(dirname "$0")/lib.sh"
wpk good
schema_ok() {	# what: $out holds a result that fits the schema
	"$SANDBOX_RUNNER" schema result > schema.json
	python3 - "$out" schema.json <<-'PY' > schema.log 2>&1
		import json, sys
		try:
		    from jsonschema import Draft202012Validator
		except ImportError:
		    sys.exit(77)
		Draft202012Validator(json.load(open(sys.argv[2]))).validate(json.load(open(sys.argv[1])))
	PY
	case $? in 77) skip "$1: fits the schema" "no python3-jsonschema, or one before 4" ;; 0) result 0 "$1: fits the schema" ;; *) tail -n 5 schema.log | sed 's/^/# /'; result 1 "$1: fits the schema" ;; esac
}

# sources
run --wpk=good.wpk.yaml --format=json; status 0 "a file"
json 'd["verdict"] == "verified" and d["steps"][0]["mode"] == "executed" and d["steps"][0]["stdout"]["text"] == "hello\n"' "it was executed"
json 'd["cleanup"]["complete"] if isinstance(d.get("cleanup"), dict) else d["cleanup_complete"]' "and cleaned up"
schema_ok "a result"
err_is "" "nothing on stderr"
run run --wpk good.wpk.yaml -q; status 0 "with the word run"
stdin=good.wpk.yaml; run --wpk=-; status 0 "standard input"; unset stdin
mkdir -p package/sub; wpk lister - <<< '    - {name: look, type: shell, config: {command: "ls -R; cat sub/data; ls *.yaml; true"}}'
mv lister.wpk.yaml package/; echo 4711 > package/sub/data
run --wpk=package; status 0 "a folder"
out_has "| 4711" "its other files lie in the work folder"
out_lacks "lister.wpk.yaml" "the package itself does not"
if command -v tar > /dev/null && tar -C package -czf bundle.wpk.tar.gz .; then
	run --wpk=bundle.wpk.tar.gz; status 0 "a bundle"; out_has "| 4711" "with its files"
	run validate bundle.wpk.tar.gz; status 0 "validate a bundle"
	run plan bundle.wpk.tar.gz; status 0 "plan a bundle"; out_has "look" "with its steps"
fi
left_nothing "sources"

# a download that hangs can be interrupted, and leaves nothing
python3 -u - > port <<-'PY' & server=$!
	import socket, time
	s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1])
	keep = [s.accept() for _ in range(3)]; time.sleep(60)
PY
for i in $(seq 1 100); do [ -s port ] && break; sleep 0.05; done
for args in --wpk= "validate " "plan "; do
	start ${args}http://127.0.0.1:$(cat port)/slow.wpk.yaml
	for i in $(seq 1 100); do ls state/runs/r-*/journal > /dev/null 2>&1 && break; sleep 0.05; done
	sleep 0.2; kill -INT $pid; wait $pid; rc=$?
	status 130 "SIGINT during a download: ${args%% *}"
	until_nothing_left "SIGINT during a download: ${args%% *}"
done
kill $server; wait $server 2> /dev/null

# parameters and secrets
wpk hello - <<< '    - {name: greet, type: shell, config: {command: "echo \"${GREETING:-hello} ${WHO}\"; env | sort"}}'
run --wpk=hello.wpk.yaml; status 3 "an unset parameter"
err_matches 'hello.wpk.yaml:12:[0-9]+: error: .*WHO' "is named at its place"
left_nothing "an unset parameter"
run --wpk=hello.wpk.yaml --param 'WHO=$(id) `id` "; id'; status 0 "a value that looks like code"
out_has '| hello $(id) `id` "; id' "stays a value"
echo 'WHO: file' > p.yaml; echo 'WHO=lines' > p.env
run --wpk=hello.wpk.yaml --params-file=p.yaml; out_has "| hello file" "a parameter file"
run --wpk=hello.wpk.yaml --params-file=p.yaml --params-file=p.env; out_has "| hello lines" "later files win"
run --wpk=hello.wpk.yaml --param WHO=option --params-file=p.yaml; out_has "| hello option" "--param wins over files"
run --wpk=hello.wpk.yaml --params-file=none.yaml; status 3 "a parameter file that is missing"; err_has "none.yaml" "is named"
run --wpk=hello.wpk.yaml --param WHO=x --param USELESS=y; status 0 "a parameter that nothing names"
err_matches "warning: .*USELESS" "is warned about"
export SECRET_SOURCE=correct-horse-battery
run --wpk=hello.wpk.yaml --param-secret WHO=env:SECRET_SOURCE --format=json --save-logs=logs -v; status 0 "a secret"
for f in "$out" "$err" $(find logs -type f); do ok "a secret is not in ${f##*/}" sh -c "! grep -q correct-horse '$f'"; done
out_has '***' "it is shown as stars"
printf 'correct-horse-battery\n' > secret; run --wpk=hello.wpk.yaml --param-secret WHO=file:secret; out_has "| hello ***" "a secret from a file"
stdin=secret; run --wpk=hello.wpk.yaml --param-secret WHO=-; out_has "| hello ***" "a secret from standard input"; unset stdin
SANDBOX_RUNNER_FORMAT=text TOKEN_OF_MINE=abc run --wpk=hello.wpk.yaml --param WHO=x; out_lacks "TOKEN_OF_MINE" "the environment is not handed on"
out_lacks "SANDBOX_RUNNER_STATE_DIR" "ours neither"

# files
mkdir in; echo a > in/a; echo b > 'in/b:c'; echo lone > lone
wpk files - <<< '    - {name: look, type: shell, config: {command: "find . -type f | sort; cat a 2>/dev/null || true"}}'
run --wpk=files.wpk.yaml --files=in --files=lone --files=lone:sub/other --files='in/b:c'; status 0 "files"
for f in ./a ./b:c ./lone ./sub/other; do out_has "| $f" "$f is there"; done
run --wpk=files.wpk.yaml --files=missing; status 3 "files that are missing"; err_has "missing" "are named"
left_nothing "files"

# time, retries, rollback
wpk retry - <<< '    - {name: flaky, type: shell, retry: {max_attempts: 3, backoff: 10ms}, config: {command: "echo x >> n; test $(wc -l < n) = 3"}}'
run --wpk=retry.wpk.yaml --format=json; status 0 "a step that passes at the third attempt"; json 'd["steps"][0]["attempts"] == 3' "is counted"
wpk undo - <<'YAML'
    - {name: change, type: shell, config: {command: "echo changed > state"}}
    - {name: break, type: shell, config: {command: "exit 1"}}
  rollback:
    enabled: true
    handlers:
      - {name: restore, type: shell, config: {command: "cat state; rm state"}}
YAML
run --wpk=undo.wpk.yaml; status 1 "a failure with rollback"
out_matches '^Rolling back' "is rolled back"
out_matches '^Rollback step 1/1: restore \.\.\. OK' "by its handler"
out_has "| changed" "in the same work folder"
run --wpk=undo.wpk.yaml --format=json; json 'd["rolled_back"] is True' "and the result says so"; schema_ok "a rollback"
sed -i 's/exit 1/true/' undo.wpk.yaml; run --wpk=undo.wpk.yaml; status 0 "no failure"; out_lacks "Rollback step" "no rollback"

# machine output
run --wpk=good.wpk.yaml --format=ndjson; status 0 "ndjson"
python3 - "$out" <<-'PY' > ndjson.log 2>&1
	import json, sys
	events = [json.loads(line) for line in open(sys.argv[1])]
	assert [e["seq"] for e in events] == list(range(1, len(events) + 1)), "numbers"
	types = [e["type"] for e in events]
	assert types[0] == "run.start" and types[-1] == "verdict", types
	for t in ("sandbox.create", "sandbox.ready", "step.start", "step.output", "step.end", "cleanup.start"): assert t in types, t
PY
result $? "ndjson: one event a line, numbered, the verdict last $(tail -n 1 ndjson.log)"
wpk invalid - <<< '    - {name: no, type: ftp, config: {command: "x"}}'
run --wpk=invalid.wpk.yaml --format=json; status 3 "an invalid package as JSON"
json 'd["error"]["code"] == "invalid_input" and d["findings"][0]["line"] == 12' "is one document too"

# logs
run --wpk=good.wpk.yaml --save-logs=saved; status 0 "logs in a folder"
ok "of the step" sh -c "cat saved/*.stdout.log | grep -q hello"
ok "with the events" test -s saved/events.ndjson; ok "and the result" python3 -c 'import json; json.load(open("saved/result.json"))'
run --wpk=good.wpk.yaml --save-logs=saved.tar.zst; status 0 "logs in an archive"
ok "it can be read" sh -c "zstd -dc saved.tar.zst | tar -tf - | grep -q result.json"
run --wpk=good.wpk.yaml --save-logs=/proc/nowhere/logs; status 5 "logs where nothing can be written"
left_nothing "logs"

# limits and controls
wpk limits - <<< '    - {name: show, type: shell, config: {command: "ulimit -n; ulimit -Hn"}}'
run --wpk=limits.wpk.yaml --nofile=77; status 0 "--nofile"; out_has "| 77" "is in force"
run --wpk=good.wpk.yaml --profile=restrictive --format=json; status 0 "--profile"
wpk touch - <<< '    - {name: hog, type: shell, config: {command: "head -c 8000000 /dev/zero > big"}}'
run --wpk=touch.wpk.yaml --fsize=1Mi --format=json; status 7 "--fsize"; json 'd["steps"][0]["limit"] == "fsize"' "is told as what it was"
run --wpk=touch.wpk.yaml --storage=2Mi --format=json; status 7 "--storage"; json 'd["steps"][0]["limit"] == "storage"' "is told as what it was"
wpk spin - <<< '    - {name: spin, type: shell, config: {command: "while :; do :; done"}}'
run --wpk=spin.wpk.yaml --cpu-time=1s --timeout=30s --format=json; status 7 "--cpu-time"; json 'd["steps"][0]["limit"] == "cpu_time"' "is told as what it was"
asked='d["enforcement"]'
run --wpk=good.wpk.yaml --format=json --memory=64Mi --cpus=500m --pids=33 --storage=5Mi --tmp-size=3Mi --nofile=99 --fsize=2Mi --cpu-time=7s --max-output=9Ki --net-bind-service
status 0 "every limit at once"
while read -r control value; do
	json "[c[\"requested\"] for c in $asked if c[\"control\"] == \"$control\"] == [\"$value\"]" "$control is asked for as $value"
done <<'TABLE'
memory 64Mi
cpu 0.5
pids 33
nofile 99
fsize 2Mi
cpu_time 7s
output 9Ki
capabilities drop all but NET_BIND_SERVICE
TABLE
json 'd["limits"]["storage_bytes"] == 2 << 20 and d["limits"]["tmp_bytes"] == 3 << 20' "storage and /tmp"
wpk caps - <<< '    - {name: look, type: shell, config: {command: "grep CapBnd /proc/self/status"}}'
run --wpk=caps.wpk.yaml; out_matches 'CapBnd:.0+$|CapBnd: +0+$' "no capability"
run --wpk=caps.wpk.yaml --net-bind-service; out_matches 'CapBnd: +0+400$' "--net-bind-service: that one"
wpk tmp - <<< '    - {name: hog, type: shell, config: {command: "head -c 3000000 /dev/zero > /tmp/big"}}'
run --wpk=tmp.wpk.yaml --tmp-size=1Mi --format=json; status 7 "--tmp-size"; json 'd["steps"][0]["limit"] == "storage"' "is told as what it was"
limited() { "$SANDBOX_RUNNER" doctor --format=json | python3 -c 'import json,sys; sys.exit(not any(c["control"] == sys.argv[1] and c["state"] == "enforced" for c in json.load(sys.stdin)["controls"]))' "$1"; }
if limited memory; then
	wpk eat - <<< '    - {name: eat, type: shell, config: {command: "tail /dev/zero"}}'
	run --wpk=eat.wpk.yaml --memory=32Mi --format=json; status 7 "--memory"; json 'd["steps"][0]["limit"] == "memory"' "is told as what it was"
else
	skip "--memory" "no memory limit on this host"
fi
if limited pids; then
	wpk forks - <<< '    - {name: forks, type: shell, config: {command: "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 5 & done; wait"}}'
	run --wpk=forks.wpk.yaml --pids=8 --format=json; status 7 "--pids"; json 'd["steps"][0]["limit"] == "pids"' "is told as what it was"
else
	skip "--pids" "no process limit on this host"
fi
run --wpk=good.wpk.yaml --require=seccomp,no_new_privs,pid_namespace; status 0 "--require of what holds"

# what the package says of itself, against what was seen
wpk limits - <<< '    - {name: write, type: shell, retry: {max_attempts: 3, backoff: 10ms}, config: {command: "echo x >> n; head -c 300000 /dev/zero > f; sleep 0.3; [ $(wc -l < n) = 3 ]"}}'
printf '  validation: {resource_limits: {max_storage: 100Ki, max_retries: 5, max_pods: 3}}\n' >> limits.wpk.yaml
run --wpk=limits.wpk.yaml; status 0 "a package with limits"
out_matches "max_storage declared 100Ki, observed .*: MORE THAN DECLARED" "what was exceeded is said"; out_lacks "max_retries" "what was not is not"
run --wpk=limits.wpk.yaml --format=json
json 'sorted((l["name"], l["observed"] if l["name"] != "max_storage" else l["observed"] >= 300000, l["exceeded"]) for l in d["declared_vs_observed"]["resource_limits"]) == [("max_pods", None, None), ("max_retries", 2, False), ("max_storage", True, True)]' "limits against what was seen, as JSON"
json 'all(s["observation"]["usage"]["storage_peak_bytes"] >= 300000 for s in d["steps"])' "use of storage"
if limited memory; then
	json 'all(any(p["memory_bytes"] for p in s["observation"]["usage"]["points"]) for s in d["steps"])' "use of memory over time"
else
	skip "use of memory over time" "no cgroup here counts it"
fi
json 'any("sleep" in p["program"] and p["exit_status"] == 0 and p["duration_seconds"] > 0.2 for p in d["steps"][0]["observation"]["processes"])' "programs that were started"
run --wpk=limits.wpk.yaml --no-observe --format=json; status 0 "--no-observe"
json 'd["steps"][0]["observation"]["processes"] is None and not d["steps"][0]["observation"]["watched"]' "then nobody knows of programs"
wpk secret - <<< '    - {name: call, type: shell, config: {command: "sh -c true --password=hunter22xyz"}}'
run --wpk=secret.wpk.yaml -v --format=json --exit-zero; out_lacks 'true --password=hunter22xyz\"' "secrets in arguments are masked"
json 'any("--password=***" in p["arguments"] for p in d["steps"][0]["observation"]["processes"])' "as stars"
run --wpk=good.wpk.yaml --memory=64Mi --monitor-resources --format=ndjson; status 0 "--monitor-resources"; out_has '"type":"step.usage"' "tells as it goes"
wpk busy - <<< '    - {name: turn, type: shell, config: {command: "timeout 1.5 yes > /dev/null; true"}}'
if limited cpu; then
	run --wpk=busy.wpk.yaml --cpus=0.3 --monitor-resources; err_matches "uses [0-9]+ % of its cpu" "and warns near a limit"
else
	skip "and warns near a limit" "no cgroup here limits the cpu"
fi

# an own root
static=$(command -v busybox || true)
if [ -n "$static" ] && ! ldd "$static" > /dev/null 2>&1; then
	mkdir -p root/bin root/etc root/proc root/dev root/tmp root/work
	cp "$static" root/bin/busybox; ln -s busybox root/bin/sh; ln -s busybox root/bin/cat; echo other > root/etc/which
	wpk own - <<< '    - {name: look, type: shell, config: {command: "cat /etc/which"}}'
	run --wpk=own.wpk.yaml --rootfs=root; status 0 "--rootfs=DIR"; out_has "| other" "is the root"
	tar -C root -cf root.tar .; run --wpk=own.wpk.yaml --rootfs=root.tar; status 0 "--rootfs=TAR"; out_has "| other" "is the root"
	left_nothing "--rootfs"
else
	skip "--rootfs" "no static busybox"
fi
run --wpk=good.wpk.yaml --rootfs=good.wpk.yaml; status 3 "--rootfs of something else"

# what a killed run left is removed by the next one
wpk slow - <<< '    - {name: wait, type: shell, config: {command: "echo waiting; sleep 60"}}'
start --wpk=slow.wpk.yaml; until_out "| waiting"
kill -KILL $pid; wait $pid 2> /dev/null
until_nothing_left "a run that was killed (its reaper)"
start --wpk=slow.wpk.yaml; until_out "| waiting"
kill -STOP $pid; kids=$(pgrep -P $pid); kill -KILL $kids $pid; wait $pid 2> /dev/null
# (one that nobody waits for, in a container, has ended all the same)
for kid in $kids; do while grep -qs '^State:.[^ZX]' "/proc/$kid/status"; do sleep 0.01; done; done	# the lock is held until they have ended
ok "killed with all it started, its journal stays" ls state/runs/r-*/journal
run --wpk=good.wpk.yaml; status 0 "the next run"
err_has "warning: cleaned up after 1 earlier run that had been killed" "cleans up and says so"
left_nothing "after it"
finish
