# SPDX-License-Identifier: Apache-2.0
# lib.sh: being cruel to runs and looking for what is left. On top of tests/cli/lib.sh it gives
#	as root|user		who runs the program from now on; fails when that cannot be had here
#	cruel [WITNESS OPTION…] [-- SANDBOX_RUNNER ARG…]	one run under witness (see witness.c) of crash.wpk.yaml: sets $rc, $left, $ms, $took
#	gc			`sandbox_runner gc`: sets $rc
#	world			what of a sandbox can be seen on this host, a line each; empty when there is nothing
#	points			count the fault points of a run: sets $points and the array $point_names (from 1)
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"
chmod 755 "$work"
witness=$repo/${BUILD#"$repo"/}/crash/witness
cp "$SANDBOX_RUNNER" "$work/sandbox_runner" && chmod 755 "$work/sandbox_runner"
SANDBOX_RUNNER=$work/sandbox_runner
unset SANDBOX_RUNNER_TEST_TIME
left=0 ms=0 took=0 points=0 drop=()

# A step with children that do not want to go, which says when it is at it (in a word that only its output holds); then a quick one.
wpk crash - <<'YAML'
    - name: stubborn
      type: shell
      config:
        command: |
          trap '' HUP INT
          echo data > file; mkdir -p deep/er; echo data > deep/er/file
          sleep 300 > /dev/null 2>&1 &
          setsid sleep 300 > /dev/null 2>&1 &
          echo at""-it
          sleep 0.05
    - {name: quick, type: shell, config: {command: "echo done"}}
YAML
wpk slow - <<< '    - {name: slow, type: shell, config: {command: "sleep 300 & echo at\"\"-it; sleep ${SECONDS_TO_RUN:-60}"}}'
wpk deaf - <<< '    - {name: deaf, type: shell, config: {command: "trap true INT TERM HUP; echo at\"\"-it; while :; do sleep 300; done"}}'

as() {
	drop=()
	case $1 in
	root) [ "$(id -u)" = 0 ] || return 1 ;;
	user)	if [ "$(id -u)" = 0 ]; then
			command -v setpriv > /dev/null || return 1
			drop=(setpriv --reuid=1000 --regid=1000 --clear-groups)
			"${drop[@]}" "$SANDBOX_RUNNER" version > /dev/null 2>&1 || return 1
		fi ;;
	esac
	user=$1 home=$work/$1
	mkdir -p "$home/home" "$home/tmp"
	[ ${#drop[@]} = 0 ] || chown -R 1000:1000 "$home"
	export HOME=$home/home TMPDIR=$home/tmp SANDBOX_RUNNER_STATE_DIR=$home/state
}

cruel() {
	local options=() line
	while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
	[ $# -gt 0 ] && shift
	[ $# -gt 0 ] || set -- --wpk=crash.wpk.yaml --format=ndjson
	line=$("$witness" -o "$out" -e "$err" "${options[@]}" -- "${drop[@]}" "$SANDBOX_RUNNER" "$@" 2> "$work/.witness")
	rc=${line#status=}; rc=${rc%% *}; left=${line#*left=}; left=${left%% *}; ms=${line##*ms=}
	took=${line#*took=}; took=${took%% *}
}

gc() { "${drop[@]}" "$SANDBOX_RUNNER" gc "$@" > "$out" 2> "$err"; rc=$?; }

# Other runs of this host come and go, and their owners hold a lock as long as they live: only orphans count that were not there before
# we began, and only when they stay.
cgroups() {
	find /sys/fs/cgroup -type d -name 'sandbox_runner-r-*' 2> /dev/null | sort | while read -r folder; do
		flock -n "$folder" true 2> /dev/null && echo "$folder"
	done
}
cgroups_before=$(cgroups)
our_cgroups() { comm -13 <(printf '%s\n' "$cgroups_before") <(cgroups) | grep .; }
net_namespaces() { ls /run/netns /var/run/netns 2> /dev/null | sort -u; }
netns_before=$(net_namespaces)

distinct_net_namespaces() { readlink /proc/[0-9]*/ns/net 2> /dev/null | sort -u | wc -l; }

world() {
	local i groups new
	find "$SANDBOX_RUNNER_STATE_DIR" -mindepth 1 ! -path "$SANDBOX_RUNNER_STATE_DIR/runs" ! -path "$SANDBOX_RUNNER_STATE_DIR/lock" \
		! -path "$SANDBOX_RUNNER_STATE_DIR/history.ndjson" ! -path "$SANDBOX_RUNNER_STATE_DIR/results" ! -path "$SANDBOX_RUNNER_STATE_DIR/results/r-*.json" 2> /dev/null |
		sed 's/^/file /'
	find "$TMPDIR" "$HOME" -mindepth 1 2> /dev/null | sed 's/^/file /'
	grep -F "$home" /proc/self/mountinfo | sed 's/^/mount /'
	comm -13 <(printf '%s\n' "$netns_before") <(net_namespaces) | grep . | sed 's/^/netns /'
	groups=$(our_cgroups)
	for i in 1 2 3 4 5 6 7 8 9 10; do	# somebody else's run that started after us ends soon
		[ -n "$groups" ] || break
		sleep 0.2
		new=$(our_cgroups)
		groups=$(comm -12 <(printf '%s\n' "$groups") <(printf '%s\n' "$new") | grep .)
	done
	[ -z "$groups" ] || printf '%s\n' "$groups" | sed 's/^/cgroup /'
}

# verdict WHAT PROBLEMS…: one TAP line; every problem is a line of its own in the second argument
verdict() {
	if [ -z "$2" ]; then result 0 "$1"; return; fi
	result 1 "$1"
	printf '%s\n' "$2" | sed 's/^/# /'
	[ -s "$work/.witness" ] && sed 's/^/# /' "$work/.witness"
	return 1
}

# What is wrong right after the end of a run: processes, and with "world" anything at all.
look() {
	[ "$left" = 0 ] || echo "$left processes were left after 5 s"
	[ "${1:-}" != world ] || world
}

# gc finishes the work, a second one finds nothing.
look_after_gc() {
	gc; [ "$rc" = 0 ] || echo "gc: exit $rc: $(cat "$err")"
	world
	gc
	if grep -q '^gone   cgroup ' "$out" && ! grep -q "$home" "$out"; then gc; fi	# swept after somebody else's killed run
	[ "$rc" = 0 ] || echo "second gc: exit $rc: $(cat "$err")"
	[ "$(cat "$out")" = "nothing to clean up" ] || echo "second gc says: $(cat "$out")"
}

points() {
	rm -f "$home/tmp/count"
	SANDBOX_RUNNER_TEST_KILL=0:0 SANDBOX_RUNNER_TEST_COUNT=$home/tmp/count cruel "$@"
	mapfile -t point_names < "$home/tmp/count"
	points=${point_names[0]:-0}
	rm -f "$home/tmp/count"
}

index_of() {	# of the first point with that name
	local i
	for i in $(seq 1 "$points"); do [ "${point_names[$i]}" = "$1" ] && { echo "$i"; return; }; done
	echo 0
}

# Run a test as each user that can be had; say which cannot.
each_user() {
	local who
	for who in root user; do
		if as "$who"; then "$@"; else skip "$* as $who" "cannot become that user here"; fi
	done
}
