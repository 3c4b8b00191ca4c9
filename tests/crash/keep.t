#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A kept sandbox whose keeper is killed at every one of its points, with and without its reaper, and while somebody is inside; and a history that
# survives the death of who writes it.
. "$(dirname "$0")/lib.sh"

kept_run() { cruel -- --wpk=crash.wpk.yaml --format=ndjson --keep=1s; }

killed() {	# point, whether the reaper too
	local problems='' expected=137
	[ "$1" -lt "$(index_of front.reported)" ] || expected=0	# the process in front has ended with the verdict
	SANDBOX_RUNNER_TEST_KILL=$1:9$2 kept_run
	[ "$rc" = "$expected" ] || problems+="exit status $rc instead of $expected"
	if [ "$1" -ge "$(index_of journal.intent)" ] && [ -z "$2" ]; then problems+=$(look world)
	else problems+=$(look; look_after_gc); fi
	problems+=$(readable)
	verdict "$user: KILL${2:+ of keeper and reaper} at point $1 (${point_names[$1]})" "$problems"
}

polite() {	# point
	local problems=''
	SANDBOX_RUNNER_TEST_KILL=$1:15 kept_run
	[ "$rc" = 0 ] || [ "$rc" = 143 ] || problems+="exit status $rc"
	verdict "$user: TERM at point $1 (${point_names[$1]})" "$problems$(look world; readable)"
}

# Whatever was killed, the next run is in the history, and every line but a torn one can be read.
readable() {
	"${drop[@]}" "$SANDBOX_RUNNER" history --format=json 2>&1 | python3 -c 'import json,sys; json.load(sys.stdin)' 2>&1 | head -n 1
	"${drop[@]}" "$SANDBOX_RUNNER" ps 2>&1 | grep -v 'no run is alive'
}

all_points() {
	local i name
	points -- --wpk=crash.wpk.yaml --format=ndjson --keep=1s
	verdict "$user: a kept run that nobody disturbs" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world; readable)" || return
	for name in journal.kept verdict history.result history.append history.written front.reported keep.hold keep.end cleanup.unlinked; do
		ok "$user: there is a point $name" test "$(index_of "$name")" != 0
	done
	for i in $(seq "$(index_of cleanup.start 2> /dev/null | sed 's/^0$/1/')" "$points"); do
		[ "$i" -ge "$(($(index_of step.end) - 1))" ] || continue	# before that it is like any run: points.t
		killed "$i" ''; killed "$i" :reaper
	done
	for name in journal.kept verdict history.append history.written front.reported keep.hold keep.end; do polite "$(index_of "$name")"; done
}

pid_of() { "${drop[@]}" "$SANDBOX_RUNNER" ps --format=json | python3 -c 'import json,sys; r=json.load(sys.stdin)["runs"]; print(r[0]["pid"], r[0]["run_id"])'; }

visited() {	# the keeper is killed while a command of a visitor runs
	local pid id visitor problems=''
	"${drop[@]}" "$SANDBOX_RUNNER" --wpk=crash.wpk.yaml --keep=5m --quiet > "$home/tmp/one" 2>&1
	read -r pid id <<< "$(pid_of)"
	"${drop[@]}" "$SANDBOX_RUNNER" attach "$id" -- sh -c 'echo inside; sleep 300' > "$home/tmp/visit" 2> "$home/tmp/complaint" & visitor=$!
	for _ in $(seq 1 200); do grep -q inside "$home/tmp/visit" && break; sleep 0.05; done
	kill -KILL "$pid"
	wait "$visitor"; rc=$?
	[ "$rc" = 5 ] || problems+="attach: exit $rc"
	grep -q 'the sandbox has ended' "$home/tmp/complaint" || problems+="attach says: $(cat "$home/tmp/complaint")"
	for _ in $(seq 1 100); do [ -z "$(ls -A "$SANDBOX_RUNNER_STATE_DIR/runs")" ] && break; sleep 0.05; done
	rm -f "$home"/tmp/*
	verdict "$user: the keeper killed while somebody is inside" "$problems$(world)"
}

appending() {	# many who append, some of them killed: what the others wrote is there
	local i pids=() problems=''
	for i in 1 2 3 4 5 6 7 8; do
		SANDBOX_RUNNER_TEST_KILL=$([ $((i % 2)) = 0 ] && echo "$(index_of history.append):9") \
			"${drop[@]}" "$SANDBOX_RUNNER" --wpk=crash.wpk.yaml --quiet > /dev/null 2>&1 & pids+=($!)
	done
	wait "${pids[@]}"
	i=$("${drop[@]}" "$SANDBOX_RUNNER" history --limit=200 | wc -l)
	[ "$i" -ge "$(($1 + 4))" ] || problems+="$i runs in the history, at least $(($1 + 4)) were expected"
	verdict "$user: runs that end beside killed ones are in the history" "$problems$(gc; world)"
}

beside() {
	points
	appending "$("${drop[@]}" "$SANDBOX_RUNNER" history --limit=200 2> /dev/null | wc -l)"
}

each_user all_points
each_user visited
each_user beside
finish
