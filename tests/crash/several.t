#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several packages in one call share a reaper: killed in the middle of the second run, nothing of either is left.
. "$(dirname "$0")/lib.sh"
wpk short

both() { cruel "$@" -- run short.wpk.yaml short.wpk.yaml --format=ndjson; }

second() {	# of the points of that name
	local i n=0
	for i in $(seq 1 "$points"); do [ "${point_names[$i]}" = "$1" ] && n=$((n + 1)) && [ $n = 2 ] && { echo "$i"; return; }; done
	echo 0
}

killed() {	# point, whether the reaper too
	local problems=''
	SANDBOX_RUNNER_TEST_KILL=$1:9$2 both
	[ "$rc" = 137 ] || problems+="exit status $rc instead of 137"
	if [ "$1" -ge "$(second journal.intent)" ] && [ -z "$2" ]; then problems+=$(look world)
	else problems+=$(look; look_after_gc); fi
	verdict "$user: KILL${2:+ of runner and reaper} at point $1 of two runs (${point_names[$1]})" "$problems"
}

second_run() {
	local i
	points -- run short.wpk.yaml short.wpk.yaml --format=ndjson
	verdict "$user: two runs that nobody disturbs" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world)" || return
	ok "$user: the second has points of its own" test "$(second journal.intent)" -gt "$(index_of history.written)"
	for i in $(seq "$(second journal.create)" "$points"); do killed "$i" ''; done
	for i in "$(second journal.intent)" "$(second step.start)" "$(second cleanup.unlinked)"; do killed "$i" :reaper; done
}

reaper_gone() {	# the shared one is killed between the runs: the second gets another
	SANDBOX_RUNNER_TEST_KILL=$(index_of history.written):0:reaper both
	verdict "$user: the reaper killed after the first run" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world)"
	ok "$user: both were run" test "$(grep -c '"type":"verdict"' "$out")" = 2
}

both_tests() { second_run; reaper_gone; }

each_user both_tests
finish
