#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rootless: podman as an ordinary user with a socket of its own, and the runner as the same user: runs, limits, the table, images, allowed
# hosts, visits, a killed runner. In process and mount namespaces of their own, with which all of it ends, and with subordinate ids that only
# those know.
missing() { echo "$1"; exit 77; }
if [ -z "${ROOTLESS_WORLD:-}" ]; then
	[ "$(id -u)" = 0 ] || missing "only root can become an ordinary user with subordinate ids"
	for program in podman runc newuidmap newgidmap setpriv unshare curl python3; do
		command -v $program > /dev/null || missing "$program is not installed"
	done
	[ -f /etc/subuid ] && [ -f /etc/subgid ] || missing "there is no /etc/subuid to lay one over"
	id nobody > /dev/null 2>&1 || missing "there is no user nobody"
	setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups unshare -Ur true 2> /dev/null || missing "user namespaces are for root only here"
	unshare --mount --pid --fork --mount-proc true 2> /dev/null || missing "no process and mount namespaces can be made here"
	ROOTLESS_WORLD=1 exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
engine=podman socket=$work/user/run/podman.sock
mkdir -p user/home user/run user/state && chown -R "$(id -u nobody):$(id -g nobody)" user
echo "nobody:$((0x20000000)):65536" > subordinate && chmod 644 subordinate
mount --bind subordinate /etc/subuid && mount --bind subordinate /etc/subgid || missing "/etc/subuid cannot be laid over"
drop=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups env -u XDG_CONFIG_HOME -u XDG_DATA_HOME HOME="$work/user/home" XDG_RUNTIME_DIR="$work/user/run"
	TMPDIR="$work/user/run" SANDBOX_RUNNER_STATE_DIR="$work/user/state" CONTAINER_HOST="unix://$socket")
state=$work/user/state

(cd / && exec "${drop[@]}" env -u CONTAINER_HOST podman --root "$work/user/home/root" --runroot "$work/user/run/root" --tmpdir "$work/user/run/tmp" --storage-driver vfs \
	--runtime runc --cgroup-manager cgroupfs --events-backend file system service -t 0 "unix://$socket" > "$work/podman.log" 2>&1 < /dev/null) & engine_pid=$!
within 60 engine_answers_or_ends
ended $engine_pid && { sed 's/^/# /' podman.log | tail -n 5; engine_pid=; missing "podman does not start as a user here: $(tail -n 1 podman.log)"; }

mine() { "${drop[@]}" "$SANDBOX_RUNNER" "$@" > "$out" 2> "$err" < "${stdin:-/dev/null}"; rc=$?; }
step() { wpk "$1" - <<< "    - {name: $1, type: shell, timeout: ${3:-20s}, config: {command: \"$2\"}}"; }
go() { local name=$1; shift; mine run --runtime=podman --wpk=- --format=json "$@"; }
nothing_left() { [ -z "$(container_ids)$(ids images)" ] && [ -z "$(ls -A "$state/runs" 2> /dev/null)" ] && ! pgrep -x sandbox-init > /dev/null; }
clean() { within 40 nothing_left; result $? "$1: nothing left"; nothing_left || { container_ids; ids images; ls -A "$state/runs"; pgrep -ax sandbox-init; } | sed 's/^/# left: /'; }

step first 'cat /proc/self/uid_map; id -u; touch /etc/x || echo read-only; echo made > file'
stdin=first.wpk.yaml go first; status 0 "a run"
json "(lambda t: 'read-only' in t and int(t.split()[1]) != 0 and '4294967295' not in t)(d['steps'][0]['stdout']['text'])" "in a user namespace, nobody inside, read-only"
json "any(e['path'] == 'file' for e in d['steps'][0]['files']['changes']) and d['cleanup']['complete']" "its files are told, and it is cleaned up"
clean "a run"

# the table: what a rootless engine cannot give is not said to hold, and what takes its place is in force
json "{c['control'] for c in d['enforcement'] if c['state'] in ('unavailable', 'degraded')} <= {'memory', 'swap', 'cpu', 'pids', 'storage', 'cgroup_namespace'}" "every other control is enforced"
json "all(c['detail'] and c['requested'] for c in d['enforcement'] if c['state'] in ('unavailable', 'degraded'))" "with a reason each"
json "[c['state'] for c in d['enforcement'] if c['control'] in ('user_namespace', 'seccomp', 'network', 'capabilities', 'observation')] == 5 * ['enforced']" "and the walls are"
json "not [c for c in d['enforcement'] if c['state'] == 'not_requested' and c['control'] not in ('cpu_time', 'bandwidth')]" "nothing that was asked for is passed over"
cp "$out" table
holds() { python3 -c 'import json,sys; sys.exit([c["state"] for c in json.load(open("table"))["enforcement"] if c["control"] == sys.argv[1]] != ["enforced"])' "$1"; }
step many 'i=0; while [ $i -lt 80 ]; do sleep 3 & i=$((i + 1)); done; wait; echo all'
stdin=many.wpk.yaml go many --pids=30
json "'all' not in d['steps'][0]['stdout']['text'] or d['steps'][0]['status'] == 'limit'" "processes are limited, by whichever"
step large 'head -c 300M /dev/zero | tail -c 250M | wc -c'
stdin=large.wpk.yaml go large --memory=64Mi; json "d['steps'][0]['status'] != 'passed' or '262144000' not in d['steps'][0]['stdout']['text']" "memory is limited, by whichever"
stdin=first.wpk.yaml go first --require=memory
if holds memory; then status 0 "--require=memory"; else status 5 "--require=memory is refused where it does not hold"; fi
# two at a time are in each other's way by nothing
step busy 'i=0; while [ $i -lt 15 ]; do sleep 2 & i=$((i + 1)); done; wait; echo all'
pids=()
for n in 1 2; do "${drop[@]}" "$SANDBOX_RUNNER" run --runtime=podman --wpk=- --pids=20 --format=json < busy.wpk.yaml > "both.$n" 2>&1 & pids+=($!); done
for n in 1 2; do wait "${pids[$((n - 1))]}"; rc=$?; cp "both.$n" "$out"; status 0 "one of two at a time"; done
clean "limits"

# the escape probe
own=$repo/${BUILD#"$repo"/}/escape/probe
if [ -x "$own" ]; then
	mkdir -p files && cp "$own" files/own && chmod 755 files files/own
	echo bait-4711 > secret; chmod 644 secret
	wpk own - <<< "    - {name: own, type: shell, config: {command: \"exec ./own --nofile=1024 --secret=$work/secret --token=bait-4711 --hostname=$(uname -n)\"}}"
	for more in "" --allow-host=192.0.2.1:9; do
		stdin=own.wpk.yaml go own --files=files $more; status 1 "probe $more: what it tries fails the verdict"
		python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["steps"][0]["stdout"]["text"], end="")' "$out" > lines
		[ "$(grep -cE '^(blocked|ESCAPED) ' lines)" -ge 80 ]; result $? "probe $more: all was tried"
		while read -r verdict rest; do
			case $verdict:$rest in
			blocked:*) result 0 "probe $more: $rest" ;;
			ESCAPED:*namespace*cgroup*) holds cgroup_namespace; [ $? != 0 ]; result $? "probe $more: $rest: the table says so" ;;
			ESCAPED:"mount flags: / has "*) holds no_new_privs; result $? "probe $more: $rest: set-id bits have no effect anyway" ;;
			ESCAPED:*) result 1 "probe $more: $rest" ;;
			esac
		done < lines
	done
	clean "probe"
fi

# images, and steps that name one
if busybox_image sandbox-test-image; then
	wpk steps - <<- 'END'
	    - name: mixed
	      steps:
	        - {name: native, shell: {command: 'echo on-$(cat /etc/marker 2> /dev/null || echo host)'}}
	        - {name: image, container: {image: sandbox-test-image, command: [sh, -c, 'cat /etc/marker; id -u']}}
	END
	stdin=steps.wpk.yaml mine run --wpk=- --format=json --offline; status 0 "a container step"
	json "[s['where'] for s in d['steps']] == ['container (native)', 'container (podman)'] and 'of the image' in d['steps'][1]['stdout']['text']" "runs in its image, by the user's podman"
	clean "a container step"
else skip "a container step" "no static busybox"; fi

stdin=first.wpk.yaml mine run --runtime=podman --wpk=- --keep=5m --quiet; status 0 "--keep"
id=$("${drop[@]}" "$SANDBOX_RUNNER" ps | awk 'NR == 1 { print $1 }')
mine attach "$id" -- cat file; out_is made "attach"
mine stop "$id"; status 0 "stop"; clean "a kept sandbox"

# killed: the container ends by itself, and gc does the rest
step slow 'sleep 60'
"${drop[@]}" "$SANDBOX_RUNNER" run --runtime=podman --wpk=- < slow.wpk.yaml > killed 2>&1 & pid=$!
within 30 pgrep -x sandbox-init > /dev/null; result $? "a step is running"
kill -9 "$pid"; wait "$pid" 2> /dev/null
within 30 eval '! pgrep -x sandbox-init > /dev/null'; result $? "killed: it ends by itself"
clean "killed, and cleaned up by the reaper"
mine gc; status 0 "gc"; out_is "nothing to clean up" "gc finds nothing"
finish
