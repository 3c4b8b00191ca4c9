#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# death: runners killed at their points and at arbitrary moments, and engines killed or stopped under them. A container ends by itself within
# 5 s; reaper and gc remove the rest; what cannot be removed because the engine is gone is said, and removed later. POINTS=all: every point.
. "$(dirname "$0")/lib.sh"
names=$(engines)
[ -n "$names" ] || { echo "no engine can be started here: dockerd or podman, and curl"; exit 77; }
as root || exit 2
world_of_files() { find "$SANDBOX_RUNNER_STATE_DIR/runs" -mindepth 1 2> /dev/null | sed 's/^/file /'; }
# with a forwarder, which is to be gone as well
cruelly() { cruel "$@" -- --wpk=crash.wpk.yaml --format=ndjson --allow-host=192.0.2.1:9; }

no_process() { ! ours | grep -q '^process '; }
dead_within_5s() {	# no process of it, whatever is still on record; the engine's empty control groups may take it longer, and are looked for later
	within 6 no_process || ours | grep '^process ' | sed 's/^/alive after 5 s: /'
	[ "${1:-$left}" = 0 ] || echo "$left processes of the runner were left after 5 s"
}
gone_after_gc() {
	gc; [ "$rc" = 0 ] || echo "gc: exit $rc: $(cat "$err")"
	until_none_of_ours 100 | sed 's/^# //'
	world_of_files
	gc
	if grep -q '^gone   cgroup ' "$out" && ! grep -q "$home" "$out"; then gc; fi	# swept after somebody else's killed run
	[ "$(cat "$out")" = "nothing to clean up" ] || echo "second gc says: $(cat "$out")"
}

# Those between which an engine is asked; the points of a podman run are the same, and what differs is around four of them.
chosen() {
	case $POINTS:$engine in
	all:*) seq "$points" ;;
	*:docker) for n in journal.intended sandbox.create sandbox.ready step.output cleanup.start journal.gone journal.went cleanup.emptied; do index_of $n; done ;;
	*) for n in sandbox.create sandbox.ready step.output journal.gone; do index_of $n; done ;;
	esac
}
every_point() {
	local n problems
	points -- --wpk=crash.wpk.yaml --format=ndjson --allow-host=192.0.2.1:9
	[ "$points" -gt 5 ]; result $? "$engine: a run has points ($points)"
	for n in $(chosen); do
		[ "$n" != 0 ] || continue
		SANDBOX_RUNNER_TEST_KILL=$n:9:reaper cruelly
		problems=$([ "$rc" = 137 ] || echo "exit status $rc"; dead_within_5s; gone_after_gc)
		verdict "$engine: runner and reaper killed at point $n (${point_names[$n]})" "$problems"
	done
	for n in $(index_of step.output) $(index_of cleanup.start); do
		[ "$n" != 0 ] || continue
		SANDBOX_RUNNER_TEST_KILL=$n:9 cruelly
		verdict "$engine: killed at point $n (${point_names[$n]}), the reaper cleans up" "$(dead_within_5s; until_none_of_ours 200; world_of_files)"
		SANDBOX_RUNNER_TEST_KILL=$n:15 cruelly
		verdict "$engine: TERM at point $n (${point_names[$n]})" "$(until_none_of_ours 50; world_of_files)"
	done
}

whenever() {	# between the calls to the engine, where there is no point of ours
	local us problems bad=0
	for us in 20000 60000 110000 200000 400000; do
		cruelly -d "$us" -k 9 -t all
		problems=$(dead_within_5s; gone_after_gc)
		[ -z "$problems" ] || { verdict "$engine: all killed after $us us" "$problems"; bad=1; }
	done
	[ "$bad" = 1 ] || verdict "$engine: everything of ours killed at moments from 20 to 400 ms" ""
}

wpk brief - <<< '    - {name: brief, type: shell, timeout: 3s, config: {command: "sleep 60"}}'
in_the_middle() {	# of a step of $pid
	start --runtime="$engine" --wpk="$1.wpk.yaml" --format=json
	within 30 eval 'ours | grep -q "^process "'; result $? "$engine: a step is running"
	sleep 0.3
}
until_over() {	# it tells the end by itself, whatever happened to the engine
	within "$1" ended "$pid" || { echo "# the runner does not end: $(cat "/proc/$pid/wchan")"; kill -9 "$pid"; }
	wait "$pid"; rc=$?
}

engine_dies() {	# docker only: podman's service is not what keeps its containers
	in_the_middle slow
	engine_end KILL
	until_over 60
	status 6 "$engine: the engine is killed in the middle"
	out_has "gc" "$engine: says what to do later"
	verdict "$engine: its step does not run on" "$(dead_within_5s 0)"
	rm -f "$work/docker/pid" "$socket"
	engine_start "$engine"; result $? "$engine: started again"
	verdict "$engine: gc finishes the work" "$(gone_after_gc)"
}

engine_hangs() {	# it takes calls and answers none
	in_the_middle brief
	kill -STOP "$engine_pid"
	until_over 90
	status 6 "$engine: the engine stops to answer in the middle"
	out_has "gc" "$engine: says what to do later"
	verdict "$engine: a step that cannot be told to end is killed" "$(grep -lsF "${work##*/}" /proc/[0-9]*/mountinfo | while read -r file; do
		case $({ tr '\0' '\n' < "${file%mountinfo}cmdline"; } 2> /dev/null | head -n 1) in /.sandbox_runner/init) echo "$file" ;; esac; done)"
	kill -CONT "$engine_pid"
	verdict "$engine: gc finishes the work" "$(gone_after_gc)"
}

: "${POINTS:=some}"
for name in $names; do
	engine_start "$name" || { skip "$name" "it does not start here"; engine_stop; continue; }
	export SANDBOX_RUNNER_RUNTIME=$engine
	every_point; whenever; engine_hangs
	[ "$engine" != docker ] || engine_dies
	unset SANDBOX_RUNNER_RUNTIME
	engine_stop
done
finish
