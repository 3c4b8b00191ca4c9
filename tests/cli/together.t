#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two hundred runs at once with one state folder: none sees, stops or sweeps another, and nothing of them stays.
. "$(dirname "$0")/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
RUNS=200
wpk crowd - <<'Y'
    - {name: alone, type: shell, config: {command: "test \"$(ls -A | wc -l)\" = 0 && echo ${NUMBER} > mine && test \"$(ls -A /tmp | wc -l)\" = 0 && touch /tmp/${NUMBER}"}}
    - {name: still-alone, type: shell, config: {command: "sleep 0.1; test \"$(cat mine)\" = ${NUMBER} && test \"$(ls -A)\" = mine && test \"$(ls -A /tmp)\" = ${NUMBER} && test \"$(ls -d /proc/[0-9]* | wc -l)\" -le 5"}}
Y
pids=()
for n in $(seq $RUNS); do
	"$SANDBOX_RUNNER" run crowd.wpk.yaml --param NUMBER=$n --format=json > "one.$n" 2> "two.$n" < /dev/null & pids+=($!)
done
worst=0 told=0; : > "$out"; : > "$err"
for n in $(seq $RUNS); do
	wait "${pids[$((n - 1))]}"; rc=$?
	[ "$rc" = 0 ] && continue
	worst=$rc; told=$((told + 1)); [ "$told" -gt 5 ] && continue
	echo "# run $n: exit $rc"; grep -hE 'verdict_reason|"(message|how|detail)"|"removed": false' "one.$n" | sort | uniq -c | head -n 30 | sed 's/^/# /'; head -n 2 "two.$n" | sed 's/^/# /'
done
[ "$worst" = 0 ]; result $? "$RUNS runs at once are verified"
cat one.* > "$out"
ok "each is a run of its own" test "$(grep -h '"run_id"' one.* | sort -u | wc -l)" = $RUNS
until_nothing_left "no run left anything"
run gc; status 0 "gc"; out_is "nothing to clean up" "has nothing to do"
run history --limit=500 --format=json; json "len(d['runs']) == $RUNS and all(r['verdict'] == 'verified' for r in d['runs'])" "the history has all of them"
finish
