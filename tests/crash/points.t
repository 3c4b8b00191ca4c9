#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run is killed at every one of its points (journal records, events, the moments around clean-up), with and without its reaper, and
# ended politely there; then nothing may be left: at once, after gc, or with the last process, as the ring that holds says.
. "$(dirname "$0")/lib.sh"

polite() {	# number of the signal, its name, point
	local problems late=$3 cleanup=$(index_of cleanup.start)
	SANDBOX_RUNNER_TEST_KILL=$3:$1 cruel
	problems=$(look world)
	if [ "$cleanup" != 0 ] && [ "$late" -ge "$cleanup" ]; then	# the verdict was made already
		[ "$rc" = 0 ] || [ "$rc" = $((128 + $1)) ] || problems+="exit status $rc"
	else
		[ "$rc" = $((128 + $1)) ] || problems+="exit status $rc instead of $((128 + $1))"
	fi
	verdict "$user: $2 at point $3 (${point_names[$3]})" "$problems"
}

killed() {	# point; the reaper sees to it, from the moment there is one
	local problems=''
	SANDBOX_RUNNER_TEST_KILL=$1:9 cruel
	[ "$rc" = 137 ] || problems+="exit status $rc instead of 137"
	if [ "$1" -ge "$(index_of journal.intent)" ]; then problems+=$(look world)
	else problems+=$(look; look_after_gc); fi
	verdict "$user: KILL at point $1 (${point_names[$1]})" "$problems"
}

killed_with_reaper() {	# point
	local problems=''
	SANDBOX_RUNNER_TEST_KILL=$1:9:reaper cruel
	[ "$rc" = 137 ] || problems+="exit status $rc instead of 137"
	problems+=$(look; look_after_gc)
	verdict "$user: KILL of runner and reaper at point $1 (${point_names[$1]})" "$problems"
}

reaper_killed() {	# at each of its own points, at work for a runner that was killed in the middle of a step
	local i died_at problems count=$home/tmp/count names
	died_at=$(index_of step.output)
	SANDBOX_RUNNER_TEST_KILL=$died_at:9 SANDBOX_RUNNER_TEST_KILL_REAPER=0:0 SANDBOX_RUNNER_TEST_COUNT=$count cruel
	mapfile -t names < "$count"; rm -f "$count"
	ok "$user: the reaper has points" test "${names[0]:-0}" -ge 5
	for i in $(seq 1 "${names[0]:-0}"); do
		SANDBOX_RUNNER_TEST_KILL=$died_at:9 SANDBOX_RUNNER_TEST_KILL_REAPER=$i:9 cruel
		problems=$([ "$rc" = 137 ] || echo "exit status $rc instead of 137"; look; look_after_gc)
		verdict "$user: KILL of the reaper at work, at its point $i (${names[$i]})" "$problems"
	done
}

all_points() {
	local i
	points
	verdict "$user: a run that nobody disturbs" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world)" || return
	for name in journal.intent journal.intended journal.gone run.start sandbox.ready step.start step.output step.end cleanup.start \
		cleanup.unlinked reaper.dismiss verdict; do
		ok "$user: there is a point $name" test "$(index_of "$name")" != 0
	done
	for i in $(seq 1 "$points"); do
		killed "$i"; killed_with_reaper "$i"
		polite 15 TERM "$i"; polite 2 INT "$i"
	done
	reaper_killed
}

each_user all_points
finish
