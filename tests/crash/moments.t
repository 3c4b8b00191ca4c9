#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Deaths that no fault point foresees: at arbitrary moments of setting up and tearing down, of the whole process group, of the parent,
# of everything at once; readers that go away; and neighbours that must not notice.
. "$(dirname "$0")/lib.sh"

whenever() {	# killed after so many microseconds: lands within what the backend does
	local us problems bad=0
	for us in $(seq 500 750 9500) $(seq 12000 5000 32000); do
		cruel -d "$us" -k 9 -t runner
		problems=$(look; [ "$rc" = 137 ] || [ "$rc" = 0 ] || echo "exit status $rc"; look_after_gc)
		[ -z "$problems" ] || { verdict "$user: runner killed after $us us" "$problems"; bad=1; }
		cruel -d "$us" -k 9 -t all
		problems=$(look; look_after_gc)
		[ -z "$problems" ] || { verdict "$user: all killed after $us us" "$problems"; bad=1; }
		cruel -d "$us" -k 15 -t runner
		problems=$(look world; [ "$rc" = 143 ] || [ "$rc" = 0 ] || echo "exit status $rc")
		[ -z "$problems" ] || { verdict "$user: TERM after $us us" "$problems"; bad=1; }
	done
	[ "$bad" = 1 ] || verdict "$user: KILL, KILL of all and TERM at moments from 0.5 to 32 ms" ""
}

group() {
	cruel -w at-it -k 9 -t group -- --wpk=slow.wpk.yaml --format=ndjson
	verdict "$user: the whole process group killed" "$([ "$rc" = 137 ] || echo "exit status $rc"; look world)"
	ok "$user: the reaper was quick" test "${ms%.*}" -lt 2000
	for s in 1:HUP 3:QUIT 2:INT; do
		cruel -w at-it -k "${s%:*}" -t group -- --wpk=slow.wpk.yaml --format=ndjson
		verdict "$user: ${s#*:} for the whole process group" "$([ "$rc" = $((128 + ${s%:*})) ] || echo "exit status $rc"; look world)"
	done
}

everything() {
	local before; before=$(distinct_net_namespaces)
	cruel -w at-it -k 9 -t all -- --wpk=slow.wpk.yaml --format=ndjson
	verdict "$user: everything killed at once" "$([ "$rc" = 137 ] || echo "exit status $rc"; look; look_after_gc)"
	for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$(distinct_net_namespaces)" -le "$before" ] && break; sleep 0.5; done	# others come and go
	ok "$user: no network namespace more than before" test "$(distinct_net_namespaces)" -le "$before"
}

parent() {
	cruel -w at-it -k 9 -t parent
	verdict "$user: the parent killed: the run finishes by itself" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world)"
	ok "$user: it did finish" grep -q '"type":"verdict"' "$out"
}

deaf() {	# a step that ignores what it is asked: after the grace it is killed, after a second signal at once
	cruel -w at-it -k 2 -t group -- --wpk=deaf.wpk.yaml --format=ndjson
	verdict "$user: INT and a step that is deaf" "$([ "$rc" = 130 ] || echo "exit status $rc"; look world)"
	verdict "$user: it got its grace, no more" "$([ "$took" -gt 1000 ] && [ "$took" -lt 10000 ] || echo "it took $took ms")"
	cruel -w at-it -k 2 -t group -r 100000 -- --wpk=deaf.wpk.yaml --format=ndjson
	verdict "$user: two INTs and a step that is deaf" "$([ "$rc" = 130 ] || echo "exit status $rc"; look world)"
	verdict "$user: the second INT was obeyed at once" "$([ "$took" -lt 1000 ] || echo "it took $took ms")"
}

closed_output() {
	cruel -c	# 141 is what a shell shows for SIGPIPE; the run itself went to its end
	verdict "$user: the reader of stdout has gone" "$([ "$rc" = 141 ] || echo "exit status $rc"; look world)"
	cruel -c -- --wpk=crash.wpk.yaml
	verdict "$user: the reader of the narrative has gone" "$([ "$rc" = 141 ] || echo "exit status $rc"; look world)"
}

two_at_once() {
	local problems='' pid victim
	"${drop[@]}" "$SANDBOX_RUNNER" --wpk=slow.wpk.yaml --param SECONDS_TO_RUN=1 > "$home/tmp/one" 2>&1 & pid=$!
	"${drop[@]}" "$SANDBOX_RUNNER" --wpk=crash.wpk.yaml > "$home/tmp/two" 2>&1 & victim=$!
	wait "$victim" || problems+="the second run: exit $?"
	cruel -w at-it -k 9 -t runner -- --wpk=slow.wpk.yaml --format=ndjson
	[ "$rc" = 137 ] || problems+="the third run: exit $rc"
	wait "$pid" || problems+="the first run: exit $?: $(tail -n 5 "$home/tmp/one")"
	rm -f "$home/tmp/one" "$home/tmp/two"
	verdict "$user: runs beside each other, one of them killed" "$problems$(look world)"
}

each_user group
each_user everything
each_user parent
each_user deaf
each_user closed_output
each_user two_at_once
each_user whenever
finish
