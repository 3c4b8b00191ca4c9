#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Not part of `make test`, for it waits for engines that may take minutes to notice: run it by hand, bash tests/engine/death.
# death: runners killed at every one of their points and at arbitrary moments, and engines killed under them. A container ends by itself
# within 5 s; reaper and gc remove the rest; what cannot be removed because the engine is gone is said, and removed later.
. "$(dirname "$0")/lib.sh"
names=$(engines)
[ -n "$names" ] || { echo "no engine can be started here: dockerd or podman, and curl"; exit 77; }
as root || exit 2
world_of_files() { find "$SANDBOX_RUNNER_STATE_DIR/runs" -mindepth 1 2> /dev/null | sed 's/^/file /'; }

dead_within_5s() {	# no process of it, whatever is still on record; the engine's empty control groups may take it longer, and are looked for later
	local i
	for i in $(seq 50); do ours | grep -q '^process ' || return 0; sleep 0.1; done
	ours | grep '^process ' | sed 's/^/alive after 5 s: /'
}
gone_after_gc() {
	gc; [ "$rc" = 0 ] || echo "gc: exit $rc: $(cat "$err")"
	until_none_of_ours 30 | sed 's/^# //'
	world_of_files
	gc; [ "$(cat "$out")" = "nothing to clean up" ] || echo "second gc says: $(cat "$out")"
}

every_point() {
	local n problems
	points
	[ "$points" -gt 5 ]; result $? "$engine: a run has points ($points)"
	for n in $(seq "$points"); do
		if [ "$engine" != docker ]; then	# the points are the same; what differs is around these
			case ${point_names[$n]} in sandbox.create|sandbox.ready|step.output|journal.gone) ;; *) continue ;; esac
		fi
		SANDBOX_RUNNER_TEST_KILL=$n:9:reaper cruel
		problems=$([ "$rc" = 137 ] || echo "exit status $rc"; dead_within_5s; gone_after_gc)
		verdict "$engine: runner and reaper killed at point $n (${point_names[$n]})" "$problems"
	done
	for n in $(index_of journal.intent) $(index_of step.output) $(index_of cleanup.start); do
		[ "$n" != 0 ] || continue
		SANDBOX_RUNNER_TEST_KILL=$n:9 cruel
		verdict "$engine: killed at point $n (${point_names[$n]}), the reaper cleans up" "$(dead_within_5s; until_none_of_ours 100; world_of_files)"
		SANDBOX_RUNNER_TEST_KILL=$n:15 cruel
		verdict "$engine: TERM at point $n (${point_names[$n]})" "$(until_none_of_ours 20; world_of_files)"
	done
}

whenever() {	# between the calls to the engine, where there is no point of ours
	local us problems bad=0
	for us in 5000 20000 60000 110000 160000 220000 300000 400000; do
		cruel -d "$us" -k 9 -t all
		problems=$(dead_within_5s; gone_after_gc)
		[ -z "$problems" ] || { verdict "$engine: all killed after $us us" "$problems"; bad=1; }
	done
	[ "$bad" = 1 ] || verdict "$engine: everything of ours killed at moments from 5 to 400 ms" ""
}

engine_dies() {	# in the middle of a step; docker only: podman's service is not what keeps its containers
	start --runtime="$engine" --wpk=slow.wpk.yaml --format=json
	for _ in $(seq 200); do ours | grep -q '^process ' && break; sleep 0.05; done; sleep 0.3
	kill -9 "$engine_pid"; wait "$engine_pid" 2> /dev/null
	for _ in $(seq 300); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
	wait "$pid"; rc=$?
	status 6 "$engine: the engine is killed in the middle"
	out_has "gc" "$engine: says what to do later"
	verdict "$engine: its step does not run on" "$(dead_within_5s | grep process)"
	rm -f "$work/docker/pid" "$socket"
	engine_start "$engine"; result $? "$engine: started again"
	verdict "$engine: gc finishes the work" "$(gone_after_gc)"
}

for name in $names; do
	engine_start "$name" || { skip "$name" "it does not start here"; engine_stop; continue; }
	export SANDBOX_RUNNER_RUNTIME=$engine
	every_point; whenever
	[ "$engine" != docker ] || engine_dies
	unset SANDBOX_RUNNER_RUNTIME
	engine_stop
done
finish
