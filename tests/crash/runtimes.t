#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OCI runtimes: a run is killed at its points, and at moments in between while the runtime is at work, as root and as a user; nothing may be
# left, and nothing of it knows what the runtime thinks that there is.
. "$(dirname "$0")/lib.sh"


run_args() { printf '%s\n' "--wpk=${1:-crash}.wpk.yaml" --format=ndjson --runtime="$runtime"; }

undisturbed() {
	points -- $(run_args)
	verdict "$user, $runtime: a run that nobody disturbs" "$([ "$rc" = 0 ] || echo "exit status $rc: $(tail -n 3 "$out")"; look world)"
}

at_points() {	# every $1th
	local i problems
	for i in $(seq 1 "$1" "$points"); do
		SANDBOX_RUNNER_TEST_KILL=$i:9 cruel -- $(run_args)
		problems=$([ "$rc" = 137 ] || echo "exit status $rc instead of 137"; look; look_after_gc)
		verdict "$user, $runtime: KILL at point $i (${point_names[$i]})" "$problems"
		SANDBOX_RUNNER_TEST_KILL=$i:9:reaper cruel -- $(run_args)
		problems=$([ "$rc" = 137 ] || echo "exit status $rc instead of 137"; look; look_after_gc)
		verdict "$user, $runtime: KILL of runner and reaper at point $i (${point_names[$i]})" "$problems"
	done
}

# While the runtime makes the sandbox, which takes it 50 to 150 ms.
at_moments() {
	local us problems bad=0
	for us in $(seq 2000 "$1" 150000); do
		cruel -d "$us" -k 9 -t runner -- $(run_args)
		problems=$(look; look_after_gc)
		[ -z "$problems" ] || { verdict "$user, $runtime: runner killed after $us us" "$problems"; bad=1; }
		cruel -d "$us" -k 9 -t all -- $(run_args)
		problems=$(look; look_after_gc)
		[ -z "$problems" ] || { verdict "$user, $runtime: all killed after $us us" "$problems"; bad=1; }
		cruel -d "$us" -k 15 -t runner -- $(run_args)
		problems=$(look world; [ "$rc" = 143 ] || [ "$rc" = 0 ] || echo "exit status $rc")
		[ -z "$problems" ] || { verdict "$user, $runtime: TERM after $us us" "$problems"; bad=1; }
	done
	[ "$bad" = 1 ] || verdict "$user, $runtime: KILL, KILL of all and TERM at moments from 2 to 150 ms" ""
}

in_a_step() {
	cruel -w at-it -k 9 -t runner -- $(run_args slow)
	verdict "$user, $runtime: KILL while a step runs" "$([ "$rc" = 137 ] || echo "exit status $rc"; look world)"
	cruel -w at-it -k 9 -t all -- $(run_args slow)
	verdict "$user, $runtime: everything killed at once" "$(look; look_after_gc)"
	cruel -w at-it -k 2 -t group -- $(run_args deaf)
	verdict "$user, $runtime: INT and a step that is deaf" "$([ "$rc" = 130 ] || echo "exit status $rc"; look world)"
}

all_of() {
	undisturbed || return
	in_a_step
	at_points "$1"
	at_moments "$2"
}

for runtime in runc crun runsc; do
	if ! command -v "$runtime" > /dev/null; then skip "$runtime" "it is not installed"; continue; fi
	if as root; then
		if [ "$runtime" = runsc ]; then	# what is packaged does not run on every kernel
			undisturbed || { skip "the rest of $runtime" "it does not run here"; continue; }
			in_a_step; continue
		fi
		all_of 3 17000
	fi
	[ "$runtime" != runsc ] && as user && all_of 9 43000
done
finish
