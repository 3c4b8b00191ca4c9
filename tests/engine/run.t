#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run: packages by --runtime=docker and --runtime=podman, each with an engine of its own: ends, limits, images, what is said when there is no
# engine, and that nothing of anybody else's is touched.
. "$(dirname "$0")/lib.sh"
names=$(engines)
[ -n "$names" ] || { echo "no engine can be started here: dockerd or podman, and curl"; exit 77; }

step() { wpk "$1" - <<< "    - {name: $1, type: shell, timeout: ${3:-20s}, config: {command: \"$2\"}}"; }
go() {	# package, option…; what could not be removed is told, whatever the test is about
	local name=$1; shift
	run --runtime="$engine" --wpk="$name.wpk.yaml" --format=json "$@"
	python3 -c 'import json,sys; [print("#", i) for i in json.load(open(sys.argv[1]))["cleanup"]["items"] if not i["gone"]]' "$out" 2> /dev/null
}
clean() { verdict "$engine: $1: nothing left" "$(until_none_of_ours)"; left_nothing "$engine: $1"; }

ends() {
	step hello 'echo out; echo err >&2; echo made > file; pwd'
	go hello; status 0 "$engine: hello"
	json "(lambda s: 'out' in s['stdout']['text'] and '/work' in s['stdout']['text'] and 'err' in s['stderr']['text'])(d['steps'][0])" "$engine: both streams arrive"
	json "d['cleanup']['complete'] and all(i['gone'] for i in d['cleanup']['items']) and {'container', 'image', 'process'} <= {i['kind'] for i in d['cleanup']['items']}" \
		"$engine: container, image and process are in the certificate"
	json "d['backend']['runtime'] == '$engine'" "$engine: the runtime is named"
	clean hello
	step seven 'exit 7'; go seven; status 1 "$engine: exit 7"
	json "d['steps'][0]['exit']['status'] == 7" "$engine: the exit status"
	step asleep 'sleep 60' 1s; go asleep; json "d['steps'][0]['status'] == 'timed_out'" "$engine: timed out"
	step who 'id -u; cat /proc/1/comm; cat /etc/hosts; test ! -w /etc; touch /usr/x || echo read-only; echo x > /tmp/x; ls /sys | wc -l; cat /etc/resolv.conf'
	go who; status 0 "$engine: who"
	json "(lambda t: int(t.split()[0]) >= 65532 and 'read-only' in d['steps'][0]['stdout']['text'] and t.count('nameserver') == 1 and 'nameserver 127.0.0.1' in t)(d['steps'][0]['stdout']['text'])" \
		"$engine: nobody, read-only, the name server is the sandbox's own"
	mkdir -p files && echo given > files/given && step given 'cat given'
	go given --files=files; json "'given' in d['steps'][0]['stdout']['text']" "$engine: files come in"
	clean "ends"
}

controls() {	# all of them, but for what the engine cannot give
	local missing="{'user_namespace'}"
	[ "$engine" = podman ] && missing="{'user_namespace', 'cgroup_namespace', 'storage'}"
	go hello
	json "{c['control'] for c in d['enforcement'] if c['state'] in ('unavailable', 'degraded')} <= $missing" "$engine: every other control is enforced"
	json "len([c for c in d['enforcement'] if c['state'] == 'enforced']) >= 20" "$engine: and they are many"
	# what may be missing is what a step finds missing
	step inside 'cat /proc/self/uid_map; echo; cat /proc/self/cgroup'
	go inside
	json "(lambda s, t: (s['user_namespace'] == 'enforced') == ('4294967295' not in t[0]) and (s['cgroup_namespace'] == 'enforced') == all(l.split(':')[2] == '/' for l in t[1].split()))({c['control']: c['state'] for c in d['enforcement']}, d['steps'][0]['stdout']['text'].split('\n\n'))" \
		"$engine: user and cgroup namespace are as the table says"
	step files 'i=0; while echo > f$i; do i=$((i + 1)); [ $i -lt 10100 ] || break; done 2> /dev/null; echo made $i; rm -f f*' 60s
	go files --profile=restrictive --override='to see the limits at work'
	json "(lambda s, n: n < 10001 if s == 'enforced' else n == 10100 if s == 'degraded' else False)([c['state'] for c in d['enforcement'] if c['control'] == 'storage'][0], int(d['steps'][0]['stdout']['text'].split()[1]))" \
		"$engine: the number of files is limited, or the table says that it is not"
}

hog() {	# name, exit status, JSON condition on the step `s`, command, option…
	local name=$1 expected=$2 condition=$3 command=$4; shift 4
	step "$name" "$command" 20s
	go "$name" --override='to see the limits at work' --profile=restrictive "$@"; status "$expected" "$engine: $name"
	json "(lambda s: $condition)(d['steps'][0])" "$engine: $name: is called what it was"
	clean "$name"
}
limits() {
	hog memory 7 "s['limit'] == 'memory'" "head -c 400M /dev/zero | tail" --memory=128Mi
	hog processes 7 "s['limit'] == 'pids'" 'i=0; while [ $i -lt 200 ]; do sleep 2 & i=$((i + 1)); done; wait' --pids=40
	hog disk 7 "s['limit'] in ('storage', 'fsize')" 'i=0; while head -c 30000000 /dev/zero > f$i; do i=$((i + 1)); done; exit 1' --storage=64Mi --memory=512Mi
	hog flood 7 "s['limit'] == 'output'" 'head -c 50000000 /dev/zero'
	hog daemon 0 "s['status'] == 'passed'" 'setsid sleep 600 > /dev/null 2>&1 & exit 0'
	step watched 'i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; sleep 0.2'
	go watched; json "d['steps'][0]['cpu_seconds'] > 0.05 and d['steps'][0]['memory_peak_bytes'] > 100000" "$engine: processor time is told"
}

visits() {	# to a kept sandbox: with a terminal, with an input, and while it is killed
	local id visitor
	step kept 'echo hello > made'
	run --runtime="$engine" --wpk=kept.wpk.yaml --keep=5m; status 0 "$engine: --keep"
	id=$("$SANDBOX_RUNNER" ps | awk 'NR == 1 { print $1 }')
	run attach "$id" -- cat made; out_is hello "$engine: attach: a command"
	head -c 1000000 /dev/zero > zeros; stdin=zeros run attach "$id" -- wc -c; out_is 1000000 "$engine: attach: an input to its end"
	if command -v script > /dev/null && script -qec true /dev/null > /dev/null 2>&1; then
		printf 'tty; test -t 0 && test -t 2 && echo all"-"terminals; cat made; exit 7\n' > keys
		SHELL=/bin/sh timeout 60 script -qec "'$SANDBOX_RUNNER' attach '$id'" /dev/null > "$out" 2>&1 < keys; rc=$?
		status 7 "$engine: attach: a shell with a terminal"
		out_has /dev/pts/0 "$engine: attach: which is its own"; out_has all-terminals "$engine: attach: for all three streams"
	else skip "$engine: a terminal" "script is not installed"; fi
	run stop "$id"; status 0 "$engine: stop"
	clean "a kept sandbox"
	run --runtime="$engine" --wpk=kept.wpk.yaml --keep=5m --quiet; status 0 "$engine: --keep, for a keeper that is killed"
	id=$("$SANDBOX_RUNNER" ps | awk 'NR == 1 { print $1 }')
	"$SANDBOX_RUNNER" attach "$id" -- sh -c 'echo inside; sleep 300' > visit 2> complaint < /dev/null & visitor=$!
	within 20 grep -q inside visit; result $? "$engine: somebody is inside"
	kill -KILL "$("$SANDBOX_RUNNER" ps --format=json | python3 -c 'import json,sys; print(json.load(sys.stdin)["runs"][0]["pid"])')"
	wait "$visitor"; rc=$?; status 5 "$engine: the keeper is killed"
	grep -q 'the sandbox has ended' complaint; result $? "$engine: who was inside is told"
	within 30 sh -c "! '$SANDBOX_RUNNER' history | grep -q -e 'no record' -e ' kept\$'"; result $? "$engine: its reaper completes the history"
	clean "a killed keeper"
}

no_writable_root() {	# whose root user would be the host's
	go hello --writable-root; status 5 "$engine: --writable-root is refused"
	json "'cannot give a writable root; use --runtime=native' in str(d)" "$engine: and said where it can be had"
	clean "a writable root"
}

images() {
	if ! busybox_image sandbox-test-image; then skip "$engine: images" "no static busybox"; return; fi
	step marker 'cat /etc/marker; cat /etc/hosts; id -u'
	go marker --image=sandbox-test-image; status 0 "$engine: an image"
	json "'of the image' in d['steps'][0]['stdout']['text'] and 'localhost' in d['steps'][0]['stdout']['text']" "$engine: is the root"
	clean "an image"
	ok "$engine: it is still there" api GET /v1.41/images/sandbox-test-image/json
	go marker --image=sandbox-test-image --offline; status 0 "$engine: offline with an image that is here"
	go marker --image=no-such-image:1 --offline; status 5 "$engine: offline without it"
	json "'is not here, and nothing may be pulled' in str(d)" "$engine: says why and what to do"
	go marker --image='Bad Name;x'; status 2 "$engine: no name of an image"
	go marker --image=127.0.0.1:9/no/such:1 --pull=always; status 8 "$engine: a registry that is not there"
	json "'cannot pull image' in str(d)" "$engine: says what it could not do"
	busybox_image sandbox-test-volume '&changes=VOLUME%20%2Fdata'
	step volume 'touch /data/x && echo WRITABLE; ls -d /data'
	go volume --image=sandbox-test-volume
	json "'WRITABLE' not in d['steps'][0]['stdout']['text'] and '/data' in d['steps'][0]['stdout']['text']" "$engine: a volume the image declares is no way to the host's disk"
	ok "$engine: no volume is left" sh -c "! curl -sf --unix-socket '$socket' http://engine/v1.41/volumes | grep -q '\"Name\":\"[0-9a-f]\{64\}\"'"
	clean "images"
}

container_steps() {	# a step that names an image runs in it, whatever the others run in
	busybox_image sandbox-test-image || { skip "$engine: container steps" "no static busybox"; return; }
	busybox_image sandbox-test-entry '&changes=ENTRYPOINT%20%5B%22%2Fbin%2Fecho%22%2C%22entry%22%5D&changes=CMD%20%5B%22usual%22%5D&changes=ENV%20FROM_IMAGE%3Dyes'
	wpk steps - <<- END
	    - name: mixed
	      steps:
	        - {name: native, shell: {command: 'echo on-\$(cat /etc/marker 2> /dev/null || echo host)'}}
	        - {name: image, container: {image: sandbox-test-image, command: [sh, -c, 'cat /etc/marker given; echo \$GREETING \$MADE; echo x > made'], env: [{name: MADE, value: 'by-\${GREETING}'}]}}
	        - {name: entry, container: {image: sandbox-test-entry}}
	        - {name: args, container: {image: sandbox-test-entry, args: ['\${GREETING}', '\$(id)']}}
	        - {name: command, container: {image: sandbox-test-entry, command: [sh, -c, 'echo \$FROM_IMAGE']}}
	END
	mkdir -p files && echo given > files/given
	run --runtime=auto --wpk=steps.wpk.yaml --format=json --files=files --param GREETING=hello --offline; status 0 "$engine: container steps"
	json "[s['where'] for s in d['steps']] == ['container (native)'] + 4 * ['container ($engine)']" "$engine: each where it belongs"
	json "d['steps'][0]['stdout']['text'] == 'on-host\n'" "$engine: shell steps stay in the jail"
	json "d['steps'][1]['stdout']['text'] == 'of the image\ngiven\nhello by-hello\n'" "$engine: root, files, parameters and environment of a container step"
	json "[s['stdout']['text'] for s in d['steps'][2:]] == ['entry usual\n', 'entry hello \$(id)\n', 'yes\n']" "$engine: entrypoint, command and environment of the image"
	json "any(e['path'] == 'made' for e in d['steps'][1]['files']['changes'])" "$engine: effects of a container step"
	json "len([i for i in d['cleanup']['items'] if i['kind'] == 'container' and i['gone']]) == 4" "$engine: the four containers are in the certificate"
	clean "container steps"
	wpk mark - <<< "    - {name: a, steps: [{name: mark, container: {image: sandbox-test-image, command: [sh, -c, 'echo x > /etc/mark || echo refused']}}]}"
	run --runtime=auto --wpk=mark.wpk.yaml --format=json --writable-root --offline; status 0 "$engine: a container step with --writable-root"
	json "d['steps'][0]['stdout']['text'] == 'refused\n' and \"step 'a / mark' runs in its image without --writable-root, which '$engine' cannot give: its root is read-only\" in d['warnings']" \
		"$engine: has none, and that is told"
	clean "a container step with --writable-root"
	wpk fields - <<- END
	    - name: f
	      steps:
	        - name: fields
	          container:
	            image: sandbox-test-image
	            workingDir: /\${WHERE}
	            command: [sh, -c, 'echo in \$(cat marker) \$0', word]
	            ports: [{containerPort: 80}]
	            env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}, {name: A, value: b}]
	            volumeMounts: [{name: data, mountPath: /data}]
	            securityContext: {runAsUser: 0, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}
	            resources: {limits: {memory: 32Mi, cpu: "64"}}
	        - {name: hog, container: {image: sandbox-test-image, command: [sh, -c, 'x=aaaaaaaaaaaaaaaa; while :; do x=\$x\$x; done'], resources: {limits: {memory: 32Mi}}}}
	END
	run --runtime=auto --wpk=fields.wpk.yaml --format=json --param WHERE=etc --offline; status 7 "$engine: a container step's own fields"
	json "d['steps'][0]['stdout']['text'] == 'in of the image word\n'" "$engine: its working directory"
	json "d['steps'][1]['limit'] == 'memory' and 'memory limit of 32Mi' in d['verdict_reason']" "$engine: its own limit"
	json "[w.split(':')[:2] for w in d['warnings']] == [['fields.wpk.yaml', str(n)] for n in (19, 20, 21, 22)]" "$engine: what is not honoured is told with its place"
	wpk nowhere - <<< '    - {name: a, steps: [{name: no, container: {image: sandbox-test-image, workingDir: /nowhere, command: [id]}}]}'
	run --runtime=auto --wpk=nowhere.wpk.yaml --format=json --offline; status 1 "$engine: a working directory that is not there"
	json "\"cannot start in '/nowhere'\" in d['steps'][0]['stderr']['text'] and '126' in d['steps'][0]['reason']" "$engine: is told"
	clean "fields"
	wpk absent - <<< '    - {name: a, steps: [{name: no, container: {image: no-such-image, command: [id]}}, {name: later, shell: {command: id}}]}'
	run --runtime="$engine" --wpk=absent.wpk.yaml --format=json --offline; status 1 "$engine: an image that is not there"
	json "d['steps'][0]['status'] == 'failed' and 'is not here' in d['steps'][0]['reason'] and d['steps'][1]['mode'] == 'skipped'" "$engine: fails its step"
	run --runtime=native --wpk=absent.wpk.yaml --format=json
	json "d['steps'][0]['mode'] == 'simulated' and 'needs an engine' in d['steps'][0]['reason']" "$engine: native runs no images, and says so"
	clean "an image that is not there"
}

registry() {	# pulled when it is missing, named by its digest, and then here
	local port=$((20000 + RANDOM % 20000)) pid name
	if [ "$engine" != docker ] || ! command -v docker-registry > /dev/null || ! busybox_image "127.0.0.1:$port/test/tool"; then
		skip "$engine: pulling" "no registry to start, or no static busybox"; return
	fi
	printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: 127.0.0.1:%s}\n' "$work/registry" "$port" > registry.yml
	docker-registry serve registry.yml > registry.log 2>&1 & pid=$!
	for _ in $(seq 50); do curl -sf "http://127.0.0.1:$port/v2/" > /dev/null && break; sleep 0.1; done
	name=127.0.0.1:$port/test/tool:latest
	curl -sf --unix-socket "$socket" -X POST -H 'X-Registry-Auth: e30=' "http://engine/v1.41/images/127.0.0.1:$port/test/tool/push?tag=latest" > push.log
	curl -sf --unix-socket "$socket" -X DELETE "http://engine/v1.41/images/$name?force=1" > /dev/null
	go marker --image="$name" --pull=never; status 5 "$engine: --pull=never"
	go marker --image="127.0.0.1:$port/test/tool"; status 0 "$engine: pulled because it is missing"
	json "d['backend']['image'].startswith('127.0.0.1:$port/test/tool@sha256:')" "$engine: named by its digest"
	name=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["backend"]["image"])' "$out")
	kill $pid; wait $pid 2> /dev/null
	go marker --image="$name" --offline; status 0 "$engine: by digest, offline"
	json "d['backend']['image'] == '$name'" "$engine: the same digest"
	clean "pulling"
}

# Allowed hosts are reached and nothing else is: the runner, not the engine, lives in a small internet with addresses of documentation ranges.
network() {
	local targets='good.test/80 good.test/81 other.test/80 203.0.113.10/80 203.0.113.11/80 127.0.0.1/81 169.254.169.254/80 2001:db8:1::10/80'
	if ! unshare -nm true 2> /dev/null || ! command -v ip > /dev/null; then skip "$engine: allowed hosts" "no network namespace, or no ip(8)"; return; fi
	cat > internet <<-'END'
		#!/bin/bash
		ip link set lo up
		for a in 203.0.113.10 203.0.113.11 169.254.169.254 2001:db8:1::10; do ip addr add "$a" dev lo 2> /dev/null; done
		printf '%s\n' '127.0.0.1 localhost' '203.0.113.10 good.test' '203.0.113.11 other.test' > hosts && mount --bind hosts /etc/hosts
		python3 - <<-'PY' &
			import socket, threading
			def serve(c):
			    c.recv(4096); c.sendall(b"hello\n"); c.close()
			def listen(a, p):
			    s = socket.create_server((a, p), family=socket.AF_INET6 if ":" in a else socket.AF_INET)
			    while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
			for a, p in ("203.0.113.10", 80), ("203.0.113.10", 81), ("203.0.113.11", 80), ("127.0.0.1", 81), ("169.254.169.254", 80), ("2001:db8:1::10", 80):
			    threading.Thread(target=listen, args=(a, p)).start()
		PY
		server=$!
		for _ in $(seq 100); do (exec 3<> /dev/tcp/203.0.113.11/80) 2> /dev/null && (exec 3<> /dev/tcp/127.0.0.1/81) 2> /dev/null && break; sleep 0.05; done
		"$@"; rc=$?
		kill -9 $server
		exit $rc
	END
	wpk net - <<- END
	    - name: net
	      type: shell
	      timeout: 60s
	      config: {command: "exec bash ./asks"}
	END
	mkdir -p files && printf 'for t in %s; do\n(exec 3<> "/dev/tcp/$t" && echo hi >&3 && timeout 5 head -n 1 <&3 | sed "s|^|$t=|") 2> /dev/null || echo "$t=no"\ndone\n' \
		"$targets" > files/asks
	online() { unshare -nm bash internet "$SANDBOX_RUNNER" run --runtime="$engine" --wpk=net.wpk.yaml --files=files --format=json "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
	heard() { json "[l.split('=')[0] for l in d['steps'][0]['stdout']['text'].splitlines() if 'hello' in l] == $1" "$engine: $2"; }
	online; heard "[]" "without --allow-host nothing is reached"
	online --allow-host=good.test:80 --bandwidth=8Mbps; status 1 "$engine: an allowed host; to ask for the metadata service fails the verdict"
	heard "['good.test/80']" "what is allowed is reached, and nothing else"
	json "(lambda c: c['network']['state'] == c['bandwidth']['state'] == 'enforced' and '1 host allowed' in str(c['network']))({c['control']: c for c in d['enforcement']})" \
		"$engine: the table says what is allowed, and how fast"
	json "(lambda n: any(e['kind'] == 'forward' and e['subject'] == 'good.test:80' and e['allowed'] for e in n) and any(e['kind'] == 'dns' and e['subject'] == 'other.test' and not e['allowed'] for e in n))(d['steps'][0]['observation']['network'])" \
		"$engine: what was carried and what was refused is told"
	json "any('network forwarder' in i['name'] and i['gone'] for i in d['cleanup']['items'])" "$engine: the forwarder is in the certificate"
	online --allow-host=203.0.113.11:80 --allow-host='[2001:db8:1::10]:80'; heard "['203.0.113.11/80', '2001:db8:1::10/80']" "addresses are allowed as such"
	clean "allowed hosts"
	if command -v setpriv > /dev/null; then	# an engine that is used with the rights of its group alone
		mkdir -p users && chmod 777 users && chmod 666 "$socket" && chmod 711 "$work"
		as_user() { setpriv --reuid=1000 --regid=1000 --clear-groups env HOME="$work/users" SANDBOX_RUNNER_STATE_DIR="$work/users/state" "$SANDBOX_RUNNER" run \
			--runtime="$engine" --wpk=- --format=json "$@" < hello.wpk.yaml > "$out" 2> "$err"; rc=$?; }
		as_user; status 0 "$engine: a user with the socket"
		as_user --allow-host=good.test:80; status 5 "$engine: who cannot enter the container's network is refused"
		json "'cannot let steps reach chosen hosts here' in str(d['error'])" "$engine: and told what can"
		sleep 1; ours | sed -n 's/^cgroup //p' | xargs -r rmdir 2> /dev/null	# empty ones that the engine left: only root can remove them
		verdict "$engine: nothing left" "$(until_none_of_ours)"
	fi
}

foreign() {	# neither a container that has the name but not the label, nor one with another's label
	busybox_image sandbox-test-image || { skip "$engine: foreign containers" "no static busybox"; return; }
	local body='{"Image":"sandbox-test-image","Cmd":["sleep","300"],"Labels":{"sandbox_runner.run":"r-somebodyelse","sandbox_runner.where":"1","sandbox_runner.state":"/nonexistent"}}'
	curl -sf --unix-socket "$socket" -X POST -H 'Content-Type: application/json' -d "$body" "http://engine/v1.41/containers/create?name=sandbox_runner-r-foreign" > /dev/null
	go hello; status 0 "$engine: a run beside somebody else's container"
	run gc
	ok "$engine: it is still there" api GET /v1.41/containers/sandbox_runner-r-foreign/json
	curl -sf --unix-socket "$socket" -X DELETE "http://engine/v1.41/containers/sandbox_runner-r-foreign?force=1" > /dev/null
}

sweep() {	# the state folder is lost: gc finds it by its label
	step long "echo at''-it; sleep 300" 400s
	start --runtime="$engine" --wpk=long.wpk.yaml --format=ndjson
	until_out at-it; result $? "$engine: a step is running"
	run gc; status 0 "$engine: gc while a run is alive"
	ok "$engine: does not touch it" test -n "$(container_ids)"
	mv "$work/state" "$work/lost"; mkdir "$work/state"
	kill -STOP "$pid" 2> /dev/null	# alive, but its record cannot be found where the label says
	run gc; status 0 "$engine: gc without its record"
	verdict "$engine: finds the container by its label" "$(until_none_of_ours)"
	kill -KILL "$pid" 2> /dev/null; wait "$pid" 2> /dev/null
	sleep 0.5; rm -rf "$work/lost" "$work/state"; mkdir "$work/state"
}

# What an engine cannot remove of a container at its end (as when its helper is killed) it leaves for ever: it goes later, in every tree.
left_by_engine() {
	local tree sleeper
	start --runtime="$engine" --wpk=long.wpk.yaml --format=json
	within 30 eval 'tree=$(find /sys/fs/cgroup/blkio -type d -name "*$(container_ids | head -n 1)*" -path "*[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*" 2> /dev/null | head -n 1); [ -n "$tree" ] && ours | grep -q "^process "'
	if [ -z "$tree" ]; then skip "$engine: cgroups that it leaves" "there is no tree for blkio alone"; kill "$pid"; wait "$pid"; return; fi
	sleep 0.5
	sleep 300 & sleeper=$!
	echo $sleeper > "$tree/cgroup.procs"
	kill -TERM "$pid"
	wait "$pid"; rc=$?
	kill $sleeper 2> /dev/null; wait $sleeper 2> /dev/null
	status 143 "$engine: something is in the way of its removal"
	verdict "$engine: what it left is gone, too" "$(until_none_of_ours)"
}

unreachable() {
	local variable=DOCKER_HOST; [ "$engine" = podman ] && variable=CONTAINER_HOST
	local case value text
	while IFS='|' read -r value text; do
		env "$variable=$value" "$SANDBOX_RUNNER" run --runtime="$engine" --wpk=hello.wpk.yaml > "$out" 2> "$err" < /dev/null; rc=$?
		status 5 "$engine: $variable=$value"
		out_has "$text" "$engine: $variable=$value: says why"
	done <<-END
		unix:///nonexistent/sock|there is no $engine at '/nonexistent/sock'
		tcp://192.0.2.1:2375|only an engine on this machine sees the files of a run
		ssh://me:hunter2@192.0.2.1|only an engine on this machine sees the files of a run
	END
	out_lacks hunter2 "$engine: and keeps passwords to itself"
	python3 -c 'import socket,sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$work/dead.sock"
	env "$variable=unix://$work/dead.sock" "$SANDBOX_RUNNER" run --runtime="$engine" --wpk=hello.wpk.yaml > "$out" 2> "$err" < /dev/null; rc=$?
	status 5 "$engine: nobody answers"; out_has "no $engine answers" "$engine: nobody answers: says so"
	rm -f "$work/dead.sock"
	if command -v setpriv > /dev/null; then
		mkdir -p users && chmod 777 users && chmod 600 "$socket"
		setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=$work/users SANDBOX_RUNNER_STATE_DIR="$work/users/state" "$SANDBOX_RUNNER" run --runtime="$engine" \
			--wpk=- < hello.wpk.yaml > "$out" 2> "$err"; rc=$?
		status 5 "$engine: a user without permission"; out_has "this user may not use" "$engine: a user without permission: says what to do"
	fi
}

impostor() {	# something that answers, but is no engine; or one that is too old
	local variable=DOCKER_HOST; [ "$engine" = podman ] && variable=CONTAINER_HOST
	local what answer text server
	while IFS='|' read -r what answer text; do
		python3 - "$work/fake.sock" "$answer" <<-'END' &
			import socket, sys
			s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
			while True:
			    c, _ = s.accept(); c.recv(4096)
			    c.sendall(sys.argv[2].encode().decode("unicode_escape").encode()); c.close()
		END
		server=$!
		for _ in $(seq 50); do [ -S "$work/fake.sock" ] && break; sleep 0.05; done
		env "$variable=unix://$work/fake.sock" "$SANDBOX_RUNNER" run --runtime="$engine" --wpk=hello.wpk.yaml > "$out" 2> "$err" < /dev/null; rc=$?
		kill $server; wait $server 2> /dev/null; rm -f "$work/fake.sock"
		status 5 "$engine: $what"; out_has "$text" "$engine: $what: says so"
	done <<-'END'
		a web server|HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi|is no container engine
		an old engine|HTTP/1.1 200 OK\r\nApi-Version: 1.24\r\nContent-Length: 2\r\n\r\nOK|speaks version 1.24 of the API
		another protocol|SSH-2.0-OpenSSH_9.2\r\n|does not answer
	END
}

for name in $names; do
	engine_start "$name" || { skip "$name" "it does not start here"; engine_stop; continue; }
	ends; visits; no_writable_root; controls; limits; images; registry; container_steps; network; foreign; sweep; left_by_engine; unreachable; impostor
	engine_stop
done
finish
