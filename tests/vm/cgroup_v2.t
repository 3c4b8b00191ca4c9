#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The jail on a host with cgroup v2 alone: as root, as a user with a delegated subtree, and as a user with nothing.
. "$(dirname "$0")/lib.sh"
vm_enter "$0"

package hello <<'EOF'
id -u; cat /proc/self/cgroup; echo hello
EOF
package hog <<'EOF'
head -c 300m /dev/zero | tail -c 300m | wc -c
EOF
package bomb <<'EOF'
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 2 & done; wait
EOF
package spin <<'EOF'
timeout 2 sh -c 'while :; do :; done'; true
EOF
package slow <<'EOF'
sleep 300 & sleep 300
EOF

limits_hold() {	# who
	run --wpk=hello.wpk.yaml --format=json --memory=64Mi --cpus=0.5 --pids=16
	is "$1: a run ends well" "$rc" 0
	is "$1: memory is limited by cgroup v2" "$(control memory)" "enforced: cgroup v2 memory.max"
	is "$1: cpu is limited by cgroup v2" "$(control cpu)" "enforced: cgroup v2 cpu.max"
	is "$1: processes are limited by cgroup v2" "$(control pids)" "enforced: cgroup v2 pids.max"
	like "$1: the step sees no cgroup path of the host" "$(step stdout.text)" '^0::/$'
	run --wpk=hello.wpk.yaml --require=all
	is "$1: --require=all is content" "$rc" 0
	run --wpk=hog.wpk.yaml --format=json --memory=48Mi
	is "$1: a memory hog ends the run with exit 7" "$rc" 7
	is "$1: a memory hog is called one" "$(step limit):$(step status)" memory:limit
	run --wpk=bomb.wpk.yaml --format=json --pids=12
	is "$1: too many processes end the run with exit 7" "$rc" 7
	is "$1: too many processes are called so" "$(step limit)" pids
	nothing_left "$1"
}

# the quota itself, not what the runner says about it: half a cpu for two seconds is one second (the emulated clock is rough)
quota_holds() {	# who
	run --wpk=spin.wpk.yaml --format=json --cpus=0.25
	ok "$1: a quarter of a cpu is not exceeded ($(step cpu_seconds)s of 2s)" jq -e '.steps[0].cpu_seconds | . > 0.1 and . < 1' "$out"
}

sleepers() {	# how many processes of the step there are
	local f a b n=0
	for f in /proc/[0-9]*/cmdline; do
		{ IFS= read -r -d '' a && IFS= read -r -d '' b; } < "$f" && [ "${a##*/} $b" = "sleep 300" ] && n=$((n + 1))
	done 2> /dev/null
	echo $n
}
killed() {	# who
	local pid i dir
	$as sandbox_runner --wpk=slow.wpk.yaml > "$out" 2> "$err" < /dev/null & pid=$!
	for i in $(seq 1 100); do [ "$(sleepers)" = 2 ] && break; sleep 0.1; done
	dir=$(find /sys/fs/cgroup -type d -name 'sandbox_runner-*' | head -n 1)
	ok "$1: the step runs in a cgroup of ours" [ "$(wc -l < "$dir/cgroup.procs")" -ge 3 ]
	is "$1: the step runs" "$(sleepers)" 2
	kill -KILL "$pid"; wait "$pid" 2> /dev/null
	nothing_left "$1, runner killed"
	is "$1, runner killed: the step is dead" "$(sleepers)" 0
}

limits_hold root
quota_holds root
killed root

# delegated, as systemd does it for user@1000.service: the subtree belongs to the user, who sits in a leaf of it
deleg=/sys/fs/cgroup/user.slice/user-1000
mkdir -p $deleg
echo '+cpu +memory +pids' > $deleg/cgroup.subtree_control
mkdir $deleg/shell
chown 1000:1000 $deleg $deleg/shell $deleg/{,shell/}cgroup.{procs,subtree_control,threads}
as="as_user $deleg/shell"
limits_hold delegated
killed delegated
is "delegated: nothing was changed in the user's tree" "$(cat $deleg/cgroup.subtree_control; ls -d $deleg/*/)" "cpu memory pids
$deleg/shell/"

# a cgroup of the runner's own, as `systemd-run --scope -p Delegate=yes --uid=1000` makes it: nothing above may be written to, and the
# runner itself is in the way of children with limits
scope=/sys/fs/cgroup/user.slice/run-r1.scope
mkdir $scope
chown 1000:1000 $scope $scope/cgroup.{procs,subtree_control,threads}
as="as_user $scope"
limits_hold scope
killed scope
is "scope: it is as it was" "$(cat $scope/cgroup.subtree_control; find $scope -mindepth 1 -type d)" ""
# somebody else in it is not moved, and the table says what that means
sleep 300 & other=$!
echo $other > $scope/cgroup.procs
run --wpk=hello.wpk.yaml --format=json
is "shared scope: a run ends well" "$rc" 0
like "shared scope: memory is not called enforced" "$(control memory)" '^(degraded|unavailable): '
is "shared scope: the other is where it was" "$(grep -cx $other $scope/cgroup.procs):$(find $scope -mindepth 1 -type d)" "1:"
kill $other; wait $other 2> /dev/null

as="as_user -"
run --wpk=hello.wpk.yaml --format=json
is "no delegation: a run ends well" "$rc" 0
like "no delegation: memory is not called enforced" "$(control memory)" '^(degraded|unavailable): '
like "no delegation: cpu is not called enforced" "$(control cpu)" '^(degraded|unavailable): '
like "no delegation: processes are not called enforced" "$(control pids)" '^(degraded|unavailable): '
like "no delegation: the reason says what to do" "$(jq -r '.enforcement[] | select(.control == "memory").detail' "$out")" 'delegated'
is "no delegation: the walls stand" "$(control seccomp | cut -d: -f1) $(control read_only_root | cut -d: -f1) $(control network | cut -d: -f1)" \
	"enforced enforced enforced"
is "no delegation: the step is not root" "$(step stdout.text | head -n 1)" "$(step stdout.text | grep -m 1 -x '[1-9][0-9]*')"
run --wpk=hello.wpk.yaml --require=memory
is "no delegation: --require=memory refuses" "$rc" 5
like "no delegation: and names it" "$(cat "$out" "$err")" 'memory'
nothing_left "no delegation"

# In a container the runner sits at the top of what it sees: alone it moves to a leaf; beside other processes not, for moving the others
# is not ours to do. With a read-only hierarchy nothing can be made at all.
box=/sys/fs/cgroup/user.slice/box
mkdir $box
cat > /usr/local/bin/in_container <<'EOF'
#!/bin/sh
echo $$ > "$1/cgroup.procs"; mode=$2; shift 2
exec unshare -C -m sh -c 'umount /sys/fs/cgroup && mount -t cgroup2 -o '$mode' cgroup2 /sys/fs/cgroup && exec "$@"' - "$@"
EOF
chmod 755 /usr/local/bin/in_container
as="in_container $box rw"
run --wpk=hello.wpk.yaml --format=json
is "container, alone: a run ends well" "$rc" 0
is "container, alone: memory, cpu and processes are limited" "$(control memory) $(control cpu) $(control pids)" \
	"enforced: cgroup v2 memory.max enforced: cgroup v2 cpu.max enforced: cgroup v2 pids.max"
is "container, alone: its cgroup is as it was" "$(cat $box/cgroup.subtree_control; find $box -mindepth 1 -type d)" ""
sleep 300 & other=$!
echo $other > $box/cgroup.procs
for mode in rw ro; do
	as="in_container $box $mode"
	run --wpk=hello.wpk.yaml --format=json
	is "container, cgroups $mode: a run ends well" "$rc" 0
	like "container, cgroups $mode: memory is not called enforced" "$(control memory)" '^(degraded|unavailable): '
	like "container, cgroups $mode: the walls stand" "$(control seccomp) $(control user_namespace)" '^enforced: .*enforced: '
	run --wpk=hello.wpk.yaml --require=pids
	is "container, cgroups $mode: --require=pids refuses" "$rc" 5
	is "container, cgroups $mode: its cgroup is as it was" "$(cat $box/cgroup.subtree_control; find $box -mindepth 1 -type d)" ""
	nothing_left "container, cgroups $mode"
done
done_testing
