#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The VM itself: output and exit status come through exactly, a crash and a hang are told from an end, and the guest is the host we mean.
. tests/vm/lib.sh
vm_need
n=0 bad=0
check() { n=$((n + 1)); if [ "$2" = "$3" ]; then echo "ok $n - $1"; else bad=1; printf 'not ok %d - %s\n#   got:    %s\n#   wanted: %s\n' "$n" "$1" "$2" "$3"; fi; }
script=$(mktemp) || exit 2
trap 'rm -f "$script"' EXIT

cat > "$script" <<'EOF'
echo out; echo err >&2; echo 'VM-END 1 0'
stat -fc %T /sys/fs/cgroup
cat /proc/self/cgroup
cat /sys/fs/cgroup/user.slice/session.scope/cgroup.controllers
setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Ur id -u
unshare -m sh -c 'mount -t tmpfs t /mnt && cd /mnt && mkdir old && busybox pivot_root . old && echo pivoted'
exit 7
EOF
got=$(vm_run "$script"); rc=$?
check "the exit status is that of the script" "$rc" 7
check "stdout and stderr come, and the guest is a cgroup v2 host with user namespaces and pivot_root" "$(tr '\n' '|' <<< "$got")" \
	'out|err|VM-END 1 0|cgroup2fs|0::/user.slice/session.scope|cpu memory pids|0|pivoted|'

echo 'echo before; echo c > /proc/sysrq-trigger; sleep 9' > "$script"
got=$(vm_run "$script" 2> /dev/null); rc=$?
check "a kernel panic is no end" "$rc:${got%%$'\n'*}" 125:before

echo 'echo before; sleep 99' > "$script"
got=$(vm_run "$script" 24 2> /dev/null); rc=$?
check "a script that hangs is no end" "$rc:$got" 125:before
echo "1..$n"
exit $bad
