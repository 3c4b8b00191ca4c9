#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The walls on a host with cgroup v2 alone, and with no cgroup at all: the probe, the enforcement table and the unit tests of sandboxes/, as
# root, as a user with a delegated cgroup, and as a user with nothing.
. "$(dirname "$0")/lib.sh"
vm_want=python vm_memory=1024 vm_enter "$0" 480

[ -x /vm/probe ] || { echo "1..0 # SKIP the probe is not built (make test-bins)"; exit 77; }
mkdir -p /tmp/files && cp /vm/probe /tmp/files/ && chmod -R a+rX /tmp/files
echo bait-4711 > /tmp/secret; chmod 644 /tmp/secret
python3 - > /tmp/bait.log 2>&1 <<'PY' &
import os, socket, time
tcp = socket.create_server(("127.0.0.1", 0))
plain = socket.socket(socket.AF_UNIX); plain.bind("/tmp/bait.sock"); plain.listen(); os.chmod("/tmp/bait.sock", 0o777)
hidden = socket.socket(socket.AF_UNIX); hidden.bind("\0bait"); hidden.listen()
with open("/tmp/.bait", "w") as f: f.write(str(tcp.getsockname()[1]))
os.rename("/tmp/.bait", "/tmp/bait")
time.sleep(600)
PY
(exec -a bait-process sleep 600) &
for _ in $(seq 300); do [ -f /tmp/bait ] && break; sleep 0.1; done
ok "the bait is laid out" [ -s /tmp/bait ]
ns=$(for n in mnt pid net ipc uts user cgroup; do printf -- '--ns=%s:%s ' $n "$(stat -Lc %i /proc/self/ns/$n)"; done)
package probe <<EOF2
exec ./probe --nofile=1024 --secret=/tmp/secret --token=bait-4711 --unix=/tmp/bait.sock --abstract=bait --port=$(cat /tmp/bait) --argv0=bait-process --host-path=/home/user --hostname=testhost $ns
EOF2
chmod 644 probe.wpk.yaml

# as bad as a parent can be
umask 0; exec 77< /; trap '' PIPE USR1
export RUNNER_SECRET=hunter2
walls_stand() {	# who, what is not enforced
	run --wpk=probe.wpk.yaml --files=/tmp/files/probe --format=json
	is "$1: the probe is content, and trying is told" "$(step status):$rc" passed:1
	step stdout.text > lines
	ok "$1: all was tried" [ "$(grep -c '^blocked ' lines)" -ge 85 ]
	is "$1: nothing escaped" "$(grep '^ESCAPED ' lines)" ""
	is "$1: nothing of the runner's environment in the result" "$(grep -c hunter2 "$out")" 0
	is "$1: what the table does not call enforced" "$(jq -r '.enforcement[] | select(.state | IN("enforced", "not_requested") | not) | .control + " " + .state' "$out" | tr '\n' ',')" "$2"
	is "$1: and says why" "$(jq -r '.enforcement[] | select(.state | IN("enforced", "not_requested") | not) | select((.detail // "") == "") | .control' "$out")" ""
	nothing_left "$1"
}
no_cgroup=memory\ degraded,cpu\ unavailable,pids\ degraded,

walls_stand root ""
deleg=/sys/fs/cgroup/user.slice/user-1000
mkdir -p $deleg && chown 1000:1000 $deleg $deleg/cgroup.{procs,subtree_control,threads}
as="as_user $deleg" walls_stand "user, delegated" ""
as="as_user -" walls_stand "user, not delegated" "$no_cgroup"

# the unit tests, where version 2 is all there is
umask 022; exec 77<&-; trap - PIPE USR1
units() {	# who, tests, command in front
	local who=$1 tests_of_it=$2 t; shift 2
	for t in $tests_of_it; do
		t=/vm/unit/${t}_test
		if "$@" "$t" > unit.log 2>&1; then ok "$who: ${t##*/}" true; else ok "$who: ${t##*/}" false; grep -v ' RUN \| OK ' unit.log | sed 's/^/# /'; fi
		is "$who: ${t##*/}: no cgroup is left" "$(find /sys/fs/cgroup -type d -name 'sandbox_runner*')" ""
	done
}
units root "cgroup host lockdown native" env
units "user, delegated" "cgroup host" as_user $deleg

umount /sys/fs/cgroup
as= walls_stand "root, no cgroup" "$no_cgroup"
as="as_user -" walls_stand "user, no cgroup" "$no_cgroup"
run --wpk=probe.wpk.yaml --require=pids
is "user, no cgroup: --require=pids refuses" "$rc" 5
done_testing
