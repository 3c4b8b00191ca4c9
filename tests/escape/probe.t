#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# probe: a step that tries to get out, in every way in which a jail can be made here: by root, by a user, by a user with
# groups, with a root folder of its own; from a badly behaved parent, with bait laid out on the host.
. "$(dirname "$0")/../cli/lib.sh"
probe=$repo/${BUILD:-build/gcc}/escape/probe
[ -x "$probe" ] || { echo "no $probe: make test-bins"; exit 77; }
command -v python3 > /dev/null || { echo "python3 lays the bait and is not installed"; exit 77; }
chmod 755 "$work"
cp "$SANDBOX_RUNNER" runner && cp "$probe" probe && chmod 755 runner probe

# the bait: a file, sockets of all kinds, a process
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
trap 'kill $bait $process 2> /dev/null; remove_work' EXIT
for _ in $(seq 100); do [ -f bait ] && break; sleep 0.05; done
read -r port abstract < bait
namespaces=$(for n in mnt pid net ipc uts user; do printf -- '--ns=%s:%s ' $n "$(stat -Lc %i /proc/self/ns/$n)"; done)

package() {	# extra arguments of the probe
	wpk probe - <<< "    - {name: probe, type: shell, config: {command: \"exec ./probe --nofile=1024 --secret=$work/secret --token=bait-4711 --unix=$work/bait.sock \
--abstract=$abstract --port=$port --argv0=bait-process --host-path=$work --hostname=$(uname -n) $namespaces $*\"}}"
}

table_says() { json "[c['state'] for c in d['enforcement'] if c['control'] == '$1'] == ['$2']" "$3: the table says $1 is $2"; }
excused() {	# who: line
	case $1 in
	*": devices: /dev/core")				table_says minimal_dev degraded "$1" ;;	# a name too many is not hidden
	"runsc: devices: /dev/net"|"runsc: devices: /dev/fuse"|"runsc: writable files: open for writing: /dev/fuse")
								table_says minimal_dev degraded "$1" ;;
	"runsc: mount flags: / has 20, not 3")			table_says private_tmp degraded "$1" ;;	# it shows them nowhere
	"runsc: identity: CapAmb: ffffffffffffffff")		table_says no_new_privs degraded "$1" ;;	# neither line is there
	"runsc: routes: 203.0.113.7: No route to host")		table_says network enforced "$1" ;;		# another word for the same
	# what that kernel lets a process see and have of itself; nothing of the host is in it, and README says so
	"runsc: init: /proc/1/fd can be opened"|"runsc: kernel and init memory: read /proc/1/maps"|"runsc: priorities: a better place in the queue")
								skip "$1" "a kernel of its own" ;;
	"runsc: namespaces: mnt is the host's")			table_says mount_namespace enforced "$1" ;;	# not shown inside; seen from outside
	*)							return 1 ;;
	esac
}

attempt() {	# who, command in front of the runner…: every line of the probe is a test
	local who=$1; shift
	"$@" ./runner --wpk=probe.wpk.yaml --files=probe --state-dir="$state" --format=json "${options[@]}" > "$out" 2> "$err" < /dev/null
	rc=$?
	status 1 "$who: what it tries fails the verdict"
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["steps"][0]["stdout"]["text"], end="")' "$out" > lines 2>> "$err"
	[ "$(grep -cE '^(blocked|ESCAPED) ' lines)" -ge 91 ]; result $? "$who: all was tried"
	while read -r verdict rest; do
		case $verdict in
		blocked) result 0 "$who: $rest" ;;
		ESCAPED)	excused "$who: $rest" || result 1 "$who: $rest" ;;
		esac
	done < lines
	out_lacks hunter2 "$who: nothing of the runner's environment in the result"
}

# as bad as a parent can be: umask 0, a folder held open, signals ignored, a secret in the environment
umask 0; exec 77< /; trap '' PIPE USR1
export RUNNER_SECRET=hunter2
options=() state=$work/state
package
if [ "$(id -u)" = 0 ]; then
	attempt root env
	mkdir -m 777 users; state=$work/users/plain
	if setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur true 2> /dev/null; then
		attempt "a user" setpriv --reuid 1000 --regid 1000 --clear-groups
		package --expect-groups; state=$work/users/grouped
		attempt "a user with groups" setpriv --reuid 1001 --regid 1001 --groups 1001,4,27
		json '[c["state"] for c in d["enforcement"] if c["control"] == "supplementary_groups"] == ["degraded"]' "a user with groups: the table says that they are left"
	else
		skip "a user" "user namespaces are for root only here"
	fi
else
	attempt "a user" env
fi

# with hosts that may be reached, nothing else opens
package; state=$work/state options=(--allow-host=example.org:443)
attempt "network on" env

# a root folder of its own: nothing but the probe and a shell
package; state=$work/state options=(--rootfs="$work/root")
mkdir -p root/bin root/etc; chmod 755 root root/bin root/etc
if command -v busybox > /dev/null; then cp "$(command -v busybox)" root/bin/sh; else
	for f in /bin/sh $(ldd /bin/sh | grep -oE '/[^ ]+'); do mkdir -p "root$(dirname "$f")"; cp -L "$f" "root$f"; done
fi
chmod -R a+rX root
attempt "a root folder" env

# by OCI runtimes
for runtime in runc crun runsc; do
	[ "$(id -u)" = 0 ] || continue	# a user's steps are root inside: the table says so
	if ! command -v "$runtime" > /dev/null; then skip "$runtime" "it is not installed"; continue; fi
	package; state=$work/state options=(--runtime="$runtime")
	attempt "$runtime" env
done
finish
