#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OCI runtimes on a host with cgroup v2 alone, as root and as a user with nothing.
vm_want=runtimes
. "$(dirname "$0")/lib.sh"
[ -n "${VM_GUEST:-}" ] || type -P runc > /dev/null || type -P crun > /dev/null || vm_skip "neither runc nor crun is installed"
vm_enter "$0"
PATH=$PATH:/usr/sbin:/sbin

package hello <<'EOF'
id -u; cat /proc/self/cgroup; echo hello
EOF
package hog <<'EOF'
head -c 300m /dev/zero | tail -c 300m | wc -c
EOF
package bomb <<'EOF'
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 2 & done; wait
EOF

for runtime in runc crun; do
	command -v "$runtime" > /dev/null || continue
	as=
	run --wpk=hello.wpk.yaml --format=json --runtime="$runtime" --memory=64Mi --cpus=0.5 --pids=16
	is "$runtime: a run ends well" "$rc" 0
	[ "$rc" = 0 ] || sed 's/^/#   | /' "$err"
	is "$runtime: memory is limited by cgroup v2" "$(control memory)" "enforced: cgroup v2 memory.max"
	is "$runtime: cpu is limited by cgroup v2" "$(control cpu)" "enforced: cgroup v2 cpu.max"
	is "$runtime: processes are limited by cgroup v2" "$(control pids)" "enforced: cgroup v2 pids.max"
	is "$runtime: steps are nobody outside" "$(control non_root)" "enforced: user namespace mapping"
	like "$runtime: the step sees no cgroup path of the host" "$(step stdout.text)" '^0::/$'
	run --wpk=hog.wpk.yaml --format=json --runtime="$runtime" --memory=48Mi
	is "$runtime: a memory hog ends the run with exit 7" "$rc" 7
	is "$runtime: a memory hog is called one" "$(step limit):$(step status)" memory:limit
	run --wpk=bomb.wpk.yaml --format=json --runtime="$runtime" --pids=12
	is "$runtime: too many processes end the run with exit 7" "$rc" 7
	nothing_left "$runtime"

	as="as_user -"
	run --wpk=hello.wpk.yaml --format=json --runtime="$runtime"
	is "$runtime, a user: a run ends well" "$rc" 0
	[ "$rc" = 0 ] || sed 's/^/#   | /' "$err"
	like "$runtime, a user: the table says that memory is not held by a cgroup" "$(control memory)" '^(degraded|unavailable): '
	nothing_left "$runtime, a user"
done
done_testing
