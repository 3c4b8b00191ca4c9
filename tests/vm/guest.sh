# SPDX-License-Identifier: Apache-2.0
# guest.sh: what the tests inside the VM share. Sourced by vm_enter.
tests=0 failures=0

ok() {	# name, command…: ok when the command succeeds
	local name=$1; shift
	tests=$((tests + 1))
	if "$@" > /dev/null; then echo "ok $tests - $name"; else failures=$((failures + 1)); echo "not ok $tests - $name"; fi
}
is() {	# name, got, wanted
	tests=$((tests + 1))
	if [ "$2" = "$3" ]; then echo "ok $tests - $1"; return; fi
	failures=$((failures + 1))
	printf 'not ok %d - %s\n#   got:    %s\n#   wanted: %s\n' "$tests" "$1" "$2" "$3"
}
like() {	# name, got, extended regular expression
	tests=$((tests + 1))
	if printf '%s' "$2" | grep -qE -- "$3"; then echo "ok $tests - $1"; return; fi
	failures=$((failures + 1))
	printf 'not ok %d - %s\n#   wanted: %s in\n' "$tests" "$1" "$3"
	printf '%s\n' "$2" | head -n 20 | sed 's/^/#   | /'
}
done_testing() { echo "1..$tests"; [ "$failures" = 0 ]; exit; }

package() {	# NAME, script on stdin: writes NAME.wpk.yaml of one shell step
	printf 'apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: %s, version: 1.0.0}\nspec:\n  handlers:\n  - name: %s\n    type: shell\n    config:\n      command: |\n' "$1" "$1" > "$1.wpk.yaml"
	sed 's/^/        /' >> "$1.wpk.yaml"
}

# as_user CGROUP|- COMMAND…: as uid 1000, in that cgroup. A program, not a function: its pid becomes the command's
cat > /usr/local/bin/as_user <<'EOF'
#!/bin/sh
[ "$1" = - ] || echo $$ > "$1/cgroup.procs"
shift
HOME=/home/user exec setpriv --reuid=1000 --regid=1000 --clear-groups "$@"
EOF
chmod 755 /usr/local/bin/as_user

# run ARG…: as whoever $as says; sets $rc, and the files $out and $err
out=/tmp/out err=/tmp/err rc=0 as=
run() { $as sandbox_runner "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
control() { jq -r --arg c "$1" '.enforcement[] | select(.control == $c) | .state + ": " + (.mechanism // "")' "$out"; }
step() { jq -r ".steps[0].$1" "$out"; }
# all cgroups of ours, processes of ours, mounts and files in state folders
leftovers() {
	find /sys/fs/cgroup -type d -name 'sandbox_runner*'
	grep -l '^Name:.sandbox_runner' /proc/[0-9]*/status 2> /dev/null
	grep sandbox_runner /proc/mounts
	find /root/.local/state /home/user/.local/state -mindepth 3 -not -name '*.lock' -not -path '*/results/*' 2> /dev/null
}
nothing_left() {	# name: within five seconds
	local i
	for i in $(seq 1 50); do [ -z "$(leftovers)" ] && break; sleep 0.1; done
	is "$1: nothing is left" "$(leftovers)" ""
}
cd /tmp || exit 2
chmod 666 /dev/null
: > "$out"; : > "$err"
