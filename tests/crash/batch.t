#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packages that overlap: their parent, everything, or a worker killed at any moment. Nothing of any of them is left, and who is not killed goes on.
. "$(dirname "$0")/lib.sh"
wpk short; wpk last
wpk undone - <<'YAML'
    - {name: no, type: shell, config: {command: "sleep 0.02; exit 3"}}
  rollback:
    handlers:
      - {name: undo, type: shell, config: {command: "sleep 100 & echo undone"}}
YAML
sed -i 's/rollback_enabled: false/rollback_enabled: true/' undone.wpk.yaml
many="short.wpk.yaml crash.wpk.yaml undone.wpk.yaml short.wpk.yaml crash.wpk.yaml undone.wpk.yaml last.wpk.yaml"

batch() { cruel -l 30 "$@" -- run $many --format=ndjson; }
verdicts() { grep -c '"type":"verdict"' "$out"; }

undisturbed() {
	batch
	verdict "$user: packages that nobody disturbs" "$([ "$rc" = 1 ] || echo "exit status $rc"; [ "$(verdicts)" = 7 ] || echo "$(verdicts) verdicts"; look world)"
}

whenever() {	# moments spread over all of it, however fast the machine is
	local us problems bad=0 began; began=$(date +%s%N)
	batch
	local whole=$((($(date +%s%N) - began) / 1000))
	for i in $(seq 1 16); do
		us=$((1000 + whole * i / 17 + RANDOM % (whole / 17)))
		batch -d "$us" -k 9 -t runner
		problems=$([ "$rc" = 137 ] || [ "$rc" = 1 ] || echo "exit status $rc"; look; look_after_gc)	# maybe before there was a reaper
		[ -z "$problems" ] || { verdict "$user: the parent killed after $us us" "$problems"; bad=1; }
		batch -d "$us" -k 15 -t runner
		problems=$([ "$rc" = 143 ] || [ "$rc" = 1 ] || echo "exit status $rc"; [ "$(verdicts)" = 7 ] || [ "$us" -lt 20000 ] || echo "$(verdicts) verdicts"; look world)
		[ -z "$problems" ] || { verdict "$user: TERM after $us us" "$problems"; bad=1; }
	done
	for i in 3 6 9 12 15; do
		us=$((whole * i / 17))
		batch -d "$us" -k 9 -t all
		problems=$(look; look_after_gc)
		[ -z "$problems" ] || { verdict "$user: all killed after $us us" "$problems"; bad=1; }
	done
	[ "$bad" = 1 ] || verdict "$user: KILL and TERM of the parent, KILL of all at moments of all kinds" ""
}

worker() {	# each of the two dies once, at a point of its own: the rest is run by others
	local n problems bad=0
	for n in $(seq 1 3 70); do
		SANDBOX_RUNNER_TEST_KILL_WORKER=$n:9 batch
		problems=$([ "$rc" = 137 ] || echo "exit status $rc"; [ "$(tail -n 1 "$out" | grep -c '"type":"verdict"')" = 1 ] || echo "no last verdict"
			[ "$(verdicts)" -ge 7 ] || echo "$(verdicts) verdicts"; look world)
		[ "$rc" = 1 ] && [ "$n" -gt 30 ] && break	# so many points there are not
		[ -z "$problems" ] || { verdict "$user: workers killed at their point $n" "$problems"; bad=1; }
	done
	[ "$bad" = 1 ] || verdict "$user: workers killed at points 1 to $n" ""
	SANDBOX_RUNNER_TEST_KILL_WORKER=12:9:reaper batch
	verdict "$user: and their reapers too" "$([ "$rc" = 137 ] || echo "exit status $rc"; [ "$(verdicts)" -ge 7 ] || echo "$(verdicts) verdicts"; look; look_after_gc)"
}

each_user undisturbed
each_user worker
each_user whenever
finish
