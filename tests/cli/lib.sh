# SPDX-License-Identifier: Apache-2.0
# lib.sh: TAP for tests of the command line. Source it; then
#	run [ARG…]			the program with those arguments: sets $rc, and the files $out and $err
#	status N WHAT			ok when the exit status was N
#	out_is|err_is TEXT WHAT		the whole stream
#	out_has|err_has TEXT WHAT	a fixed string in it; out_lacks|err_lacks: none
#	out_matches|err_matches RE WHAT	an extended regular expression on one of its lines
#	json EXPRESSION [WHAT]		Python's opinion on $out, parsed as `d`
#	left_nothing WHAT		no run left anything in the state folder
#	ok WHAT COMMAND…		ok when the command succeeds
#	skip WHAT REASON		counted as skipped
#	finish				last line
# Everything happens in $work, a folder of its own that is removed, with a fixed clock, own HOME and state, no colour.
set -u
: "${SANDBOX_RUNNER:?is set by make test}"
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d) || exit 2
out=$work/.stdout err=$work/.stderr rc=0 tests=0
remove_work() { chmod -R u+rwx "$work" 2>/dev/null; rm -rf "$work"; }
trap remove_work EXIT
trap 'exit 130' INT TERM HUP
export HOME=$work/home TERM=dumb LC_ALL=C.UTF-8 SANDBOX_RUNNER_STATE_DIR=$work/state SANDBOX_RUNNER_TEST_TIME=1763700000
umask 022	# many systems have 002, and a state folder where others may write is refused
mkdir -p "$HOME" "$work/state"
export DOCKER_HOST=unix:///nonexistent/docker.sock CONTAINER_HOST=unix:///nonexistent/podman.sock	# no engine of the host takes part
unset NO_COLOR CLICOLOR_FORCE XDG_STATE_HOME XDG_CONFIG_HOME
for variable in $(compgen -e SANDBOX_RUNNER_); do
	case $variable in SANDBOX_RUNNER_STATE_DIR|SANDBOX_RUNNER_TEST_TIME) ;; *) unset "$variable" ;; esac
done
cd "$work" || exit 2

run() { "$SANDBOX_RUNNER" "$@" > "$out" 2> "$err" < "${stdin:-/dev/null}"; rc=$?; }

# start ARG…: the same in the background as $pid (a shell would let it ignore SIGINT and SIGQUIT); until_out TEXT: wait until it says so
start() { : > "$out"; env --default-signal=INT,QUIT "$SANDBOX_RUNNER" "$@" > "$out" 2> "$err" < /dev/null & pid=$!; }
until_out() { local i; for i in $(seq 1 200); do grep -qF -- "$1" "$out" && return; sleep 0.05; done; return 1; }
left() { find "$work/state" -mindepth 2 ! -path "$work/state/results/r-*.json" 2> /dev/null; }	# but the record of what has ended
until_nothing_left() { local i; for i in $(seq 1 200); do [ -z "$(left)" ] && break; sleep 0.05; done; left_nothing "$1"; }

result() {	# 0 or not, what: one TAP line, with what the program said when it failed
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then echo "ok $tests - $2"; return 0; fi
	echo "not ok $tests - $2"
	echo "# exit status $rc"
	head -n 25 "$out" | cut -c 1-300 | sed 's/^/# stdout: /'
	head -n 25 "$err" | cut -c 1-300 | sed 's/^/# stderr: /'
	return 1
}
ok() { local what=$1; shift; "$@" > /dev/null 2>&1; result $? "$what"; }
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
status() { [ "$rc" = "$1" ]; result $? "$2 (exit $1)"; }
is() { [ "$(cat "$1")" = "$2" ]; result $? "$3"; }
has() { grep -qF -- "$2" "$1"; result $? "$3"; }
lacks() { ! grep -qF -- "$2" "$1"; result $? "$3"; }
matches() { grep -qE -- "$2" "$1"; result $? "$3"; }
out_is() { is "$out" "$@"; }; err_is() { is "$err" "$@"; }
out_has() { has "$out" "$@"; }; err_has() { has "$err" "$@"; }
out_lacks() { lacks "$out" "$@"; }; err_lacks() { lacks "$err" "$@"; }
out_matches() { matches "$out" "$@"; }; err_matches() { matches "$err" "$@"; }
json() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2], {"d": d}))' "$out" "$1" 2>> "$err"; result $? "${2:-$1}"; }
left_nothing() { [ -z "$(left)" ]; result $? "$1: nothing left in the state folder"; }
finish() { echo "1..$tests"; }

# in_mount_namespace COMMAND…: as root, or as root of a user namespace; fails where neither is allowed
if unshare -m true 2> /dev/null; then in_mount_namespace() { unshare -m "$@"; }
elif unshare -Urm true 2> /dev/null; then in_mount_namespace() { unshare -Urm "$@"; }
else in_mount_namespace() { return 1; }
fi

# wpk NAME [HANDLERS]: a small valid package in NAME.wpk.yaml; HANDLERS from standard input when it is "-"
wpk() {
	local handlers='    - {name: hello, type: shell, config: {command: "echo hello"}}'
	[ "${2:-}" = - ] && handlers=$(cat)
	cat > "$1.wpk.yaml" <<YAML
apiVersion: v1
kind: WorkflowPackage
metadata:
  name: $1
  version: 1.0.0
  description: a package of the tests
  author: tests
spec:
  runtime: {type: shell}
  safety: {mode: manual, approval_required: false, dry_run_required: true, rollback_enabled: false}
  handlers:
$handlers
YAML
}
