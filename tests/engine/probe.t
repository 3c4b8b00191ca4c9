#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# probe: the steps that try to get out (tests/escape/probe.c, and the acceptance probe where it is: $PROBE or beside the checkout), in
# containers. Whatever an engine's own walls are, the same things must hold as in the built-in jail.
. "$(dirname "$0")/lib.sh"
names=$(engines)
[ -n "$names" ] || { echo "no engine can be started here: dockerd or podman, and curl"; exit 77; }
command -v python3 > /dev/null || { echo "python3 lays the bait and is not installed"; exit 77; }
own=$repo/${BUILD#"$repo"/}/escape/probe
theirs=${PROBE:-$repo/../shared/probes/probe.c}
[ -x "$own" ] || { echo "no $own: make test-bins"; exit 77; }

echo bait-4711 > secret; chmod 644 secret
python3 - "$work" > bait.log 2>&1 <<'PY' &
import os, socket, sys, time
work = sys.argv[1]
tcp = socket.create_server(("127.0.0.1", 0))
plain = socket.socket(socket.AF_UNIX); plain.bind(work + "/bait.sock"); plain.listen(); os.chmod(work + "/bait.sock", 0o777)
hidden = socket.socket(socket.AF_UNIX); hidden.bind("\0bait" + str(os.getpid())); hidden.listen()
with open(work + "/.bait", "w") as f: f.write(f"{tcp.getsockname()[1]} bait{os.getpid()}")
os.rename(work + "/.bait", work + "/bait")
time.sleep(600)
PY
bait=$!
(exec -a bait-process sleep 600) & process=$!
trap 'kill $bait $process 2> /dev/null; engine_finish' EXIT
for _ in $(seq 100); do [ -f bait ] && break; sleep 0.05; done
read -r port abstract < bait
inode() { stat -Lc %i "/proc/self/ns/$1"; }

# what cannot hold, by the table's own word: each of these is a test that the table says so
excused() {	# engine, line
	case $1:$2 in
	podman:*namespace*cgroup*) json '[c["state"] for c in d["enforcement"] if c["control"] == "cgroup_namespace"] == ["unavailable"]' "$1: $2: the table says so" ;;
	docker:"host files: /.dockerenv is there")	# an empty file that docker puts into every container; what is looked for after it:
		"$SANDBOX_RUNNER" run --runtime=docker --wpk=after.wpk.yaml --format=json > "$out.after" 2> "$err"
		grep -q '"text": "empty\\n"' "$out.after"; result $? "$1: $2: nothing but a mark" ;;
	*:*": signal 14")		# a walk over the whole system, every call observed
		awk -v n="$(nproc)" '{ exit !($1 > 2 * n) }' /proc/loadavg || return 1
		skip "$1: $2" "this machine is too busy" ;;
	*:"mount flags: / has "*)	json '[c["state"] for c in d["enforcement"] if c["control"] == "no_new_privs"] == ["enforced"]' "$1: $2: set-id bits have no effect anyway" ;;
	*) return 1 ;;
	esac
}

attempt() {	# package, least number of lines, words for held and open, option…
	local engine_name=$engine verdict rest package=$1 least=$2 open=$3
	shift 3; set -- "$package${*:+ $*}" "$least" "$open" "$@"
	RUNNER_SECRET=hunter2 ACCEPTANCE_SECRET=hunter2 "$SANDBOX_RUNNER" run --runtime="$engine" --wpk="$package.wpk.yaml" --files=files --format=json "${@:4}" > "$out" 2> "$err" < /dev/null; rc=$?
	status 1 "$engine: $1: what it tries fails the verdict"
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["steps"][0]["stdout"]["text"], end="")' "$out" | sed 's/^PROBE \([^ ]*\) \(blocked\|ALLOWED\|error\) /\2 \1 /' > lines 2>> "$err"
	[ "$(grep -cE "^(blocked|$3) " lines)" -ge "$2" ]; result $? "$engine: $1: all was tried"
	while read -r verdict rest; do
		case $verdict in
		blocked) result 0 "$engine: $1: $rest" ;;
		"$3")	excused "$engine_name" "$rest" || result 1 "$engine: $1: $rest" ;;
		esac
	done < lines
	out_lacks hunter2 "$engine: $1: nothing of the runner's environment in the result"
}

mkdir files && cp "$own" files/own
[ -f "$theirs" ] && cc -O2 -static -o files/theirs "$theirs" 2> cc.log || rm -f files/theirs
for name in $names; do
	engine_start "$name" || { skip "$name" "it does not start here"; engine_stop; continue; }
	spaces=$(for n in mnt pid net ipc uts; do printf -- '--ns=%s:%s ' $n "$(inode $n)"; done)
	wpk own - <<< "    - {name: own, type: shell, config: {command: \"exec ./own --nofile=1024 --secret=$work/secret --token=bait-4711 --unix=$work/bait.sock \
--abstract=$abstract --port=$port --argv0=bait-process --hostname=$(uname -n) $spaces\"}}"
	wpk after - <<< '    - {name: after, type: shell, config: {command: "cat /.dockerenv; ls -d /sys/kernel /sys/fs/cgroup /boot/grub 2> /dev/null || echo empty"}}'
	attempt own 85 ESCAPED
	attempt own 85 ESCAPED --allow-host=example.org:443	# with hosts that may be reached, nothing else opens
	if [ -x files/theirs ]; then
		spaces=$(for n in mnt pid net ipc uts cgroup; do printf '%s=%s,' $n "$(inode $n)"; done)
		wpk theirs - <<< "    - {name: theirs, type: shell, config: {command: \"./theirs --canary $work/secret --token bait-4711 --env ACCEPTANCE_SECRET \
--host-argv0 bait-process --host-port $port --unix $socket --abstract $abstract --host-ns ${spaces%,} --work /work\"}}"
		attempt theirs 60 ALLOWED
	else
		skip "$name: acceptance probe" "no probe at $theirs (set PROBE)"
	fi
	engine_stop
done
finish
