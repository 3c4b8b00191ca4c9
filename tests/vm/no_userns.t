#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A host that forbids user namespaces: root goes on with less and says so, a user is told which setting is in the way.
. "$(dirname "$0")/lib.sh"
vm_enter "$0"

package hello <<'EOF'
id -u; cat /etc/shadow; cat /proc/self/uid_map; unshare -U true; echo hello
EOF
chmod 644 hello.wpk.yaml
echo 0 > /proc/sys/user/max_user_namespaces

run --wpk=hello.wpk.yaml --format=json
is "root: the step ends well, and what it tried is told" "$(step status):$rc" passed:1
is "root: the table calls all else enforced" \
	"$(jq -r '.enforcement[] | select(.state | IN("enforced", "not_requested") | not) | .control + " " + .state' "$out")" "user_namespace unavailable"
like "root: the user namespace is not called enforced" "$(control user_namespace)" '^(degraded|unavailable): '
like "root: the reason names the setting" "$(jq -r '.enforcement[] | select(.control == "user_namespace").detail' "$out")" 'max_user_namespaces'
for wall in mount_namespace pid_namespace network seccomp capabilities no_new_privs non_root memory; do
	like "root: $wall holds all the same" "$(control $wall)" '^enforced: '
done
like "root: the step is not root" "$(step stdout.text | head -n 1)" '^[1-9][0-9]*$'
like "root: and not root on the host" "$(step stdout.text)" '^ +0 +0 +4294967295$'
like "root: nor reads what root reads" "$(step stderr.text)" 'shadow'
run --wpk=hello.wpk.yaml --require=user_namespace
is "root: --require=user_namespace refuses" "$rc" 5
run --wpk=hello.wpk.yaml --require=all
is "root: --require=all refuses" "$rc" 5
nothing_left root

as="as_user -"
run --wpk=hello.wpk.yaml
is "user: refused" "$rc" 5
like "user: the sentence names the setting" "$(cat "$err")" 'user\.max_user_namespaces'
nothing_left user
run doctor
like "user: doctor says what to do" "$(cat "$out")" '> sysctl user\.max_user_namespaces=[1-9]'

# what Ubuntu and Debian have besides, where this kernel has it
echo 10000 > /proc/sys/user/max_user_namespaces
if [ -w /proc/sys/kernel/unprivileged_userns_clone ]; then
	echo 0 > /proc/sys/kernel/unprivileged_userns_clone
	run --wpk=hello.wpk.yaml
	is "user, unprivileged_userns_clone=0: refused" "$rc" 5
	like "user, unprivileged_userns_clone=0: the sentence names the setting" "$(cat "$err")" 'kernel\.unprivileged_userns_clone'
	echo 1 > /proc/sys/kernel/unprivileged_userns_clone
fi
run --wpk=hello.wpk.yaml --no-observe
is "user: allowed again, a run ends well" "$rc" 0
done_testing
