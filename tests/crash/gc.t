#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gc: killed at every one of its points, next to a run that is alive, with things it must not touch and things it cannot remove.
. "$(dirname "$0")/lib.sh"

orphan() { cruel -w at-it -k 9 -t all -- --wpk=slow.wpk.yaml; }	# as after a power cut

killed_gc() {
	local i problems
	orphan
	verdict "$user: an orphan is there to be cleaned" "$(look; [ -n "$(world)" ] || echo "nothing was left: this test shows nothing")"
	points -- gc
	verdict "$user: gc cleans it" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world)"
	ok "$user: gc has points" test "$points" -ge 5
	for i in $(seq 1 "$points"); do
		orphan
		SANDBOX_RUNNER_TEST_KILL=$i:9 cruel -- gc
		problems=$([ "$rc" = 137 ] || echo "exit status $rc instead of 137"; look; look_after_gc)
		verdict "$user: gc killed at point $i (${point_names[$i]})" "$problems"
	done
	orphan
	cruel -- --wpk=crash.wpk.yaml
	verdict "$user: the next start cleans as well" "$([ "$rc" = 0 ] || echo "exit status $rc"; look world)"
	err_has "cleaned up after 1 earlier run that had been killed" "$user: and says so"
}

beside_a_living_run() {
	local pid i problems='' rc_run
	: > "$home/tmp/run.out"
	"${drop[@]}" "$SANDBOX_RUNNER" --wpk=slow.wpk.yaml --param SECONDS_TO_RUN=1.5 --format=ndjson > "$home/tmp/run.out" 2>&1 &
	pid=$!
	for i in $(seq 1 200); do grep -q at-it "$home/tmp/run.out" && break; sleep 0.02; done
	for i in 1 2 3 4 5; do
		gc --format=json
		[ "$rc" = 0 ] || problems+="gc: exit $rc: $(cat "$err")"
		grep -q '"runs_alive": 1' "$out" || problems+="gc did not see the living run: $(cat "$out")"
		gc --dry-run; [ "$rc" = 0 ] || problems+="gc --dry-run: exit $rc"
	done
	kill -0 "$pid" 2> /dev/null || problems+="the run was over before gc was"
	wait "$pid"; rc_run=$?
	[ "$rc_run" = 0 ] || problems+="the run: exit $rc_run: $(tail -n 3 "$home/tmp/run.out")"
	rm -f "$home/tmp/run.out"
	verdict "$user: gc beside a living run" "$problems$(left=0; look world)"
}

says_what_it_sees() {
	orphan
	gc --dry-run; status 0 "$user: gc --dry-run"
	out_has "1 killed run would be cleaned up" "$user: it counts"
	gc --dry-run --format=json; json 'd["runs_left"] == 1 and d["dry_run"] and len(d["items"]) == 1' "$user: as JSON"
	gc --format=json; status 0 "$user: gc"
	json 'd["complete"] and d["runs_cleaned"] == 1 and d["runs_left"] == 0 and all(i["gone"] and i["proof"] for i in d["items"])' "$user: every item with its proof"
	json 'any(i["kind"] == "directory" for i in d["items"])' "$user: the folder among them"
	gc -q; status 0 "$user: gc again"; out_is "" "$user: -q says nothing"
}

# Something that cannot be removed is named, exit 6, as long as it is there.
cannot_remove() {
	local run
	orphan
	run=$(ls "$SANDBOX_RUNNER_STATE_DIR/runs")
	if ! { mkdir "$SANDBOX_RUNNER_STATE_DIR/runs/$run/held" && mount -t tmpfs sbx-test "$SANDBOX_RUNNER_STATE_DIR/runs/$run/held"; } 2> /dev/null; then
		skip "$user: something mounted in the folder" "cannot mount here"
		gc; return
	fi
	gc; status 6 "$user: something mounted in the folder"
	out_has "LEFT" "$user: it is shown"; out_has "runs/$run" "$user: and named"
	err_matches '^sandbox_runner: error: ' "$user: on stderr, too"
	gc --format=json; status 6 "$user: again"; json 'not d["complete"] and d["runs_left"] == 1 and d["error"]' "$user: as JSON"
	cruel -- --wpk=crash.wpk.yaml
	status 0 "$user: a run starts nevertheless"; err_has "1 earlier run left something that cannot be removed" "$user: and warns"
	umount "$SANDBOX_RUNNER_STATE_DIR/runs/$run/held"
	verdict "$user: after the umount" "$(left=0; look_after_gc)"
}

# A control group that no journal knows: swept by its owner, left alone by everybody else.
stray() {
	local stray=
	for parent in /sys/fs/cgroup/unified /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/pids; do
		stray=$parent/sandbox_runner-stray-$$
		mkdir "$stray" 2> /dev/null && break
		stray=
	done
	if [ -z "$stray" ]; then skip "a control group that no journal knows" "cannot make one here"; return; fi
	if as user; then
		gc; status 0 "user: gc with somebody else's control group about"
		out_lacks "stray-$$" "user: it is not mentioned"
		ok "user: nor touched" test -d "$stray"
	fi
	as root
	gc; status 0 "root: gc with a control group that no journal knows"
	out_has "$stray" "root: it is named"
	ok "root: and gone" test ! -d "$stray"
	[ ! -d "$stray" ] || rmdir "$stray"
}

# Somebody wrote into the state of a dead run: nothing that is not its own is killed or removed.
tampered() {
	local run innocent alive start problems='' path
	: > "$home/tmp/run.out"
	"${drop[@]}" "$SANDBOX_RUNNER" --wpk=slow.wpk.yaml --param SECONDS_TO_RUN=1.5 --format=ndjson > "$home/tmp/run.out" 2>&1 & alive=$!
	for _ in $(seq 1 200); do grep -q at-it "$home/tmp/run.out" && break; sleep 0.02; done
	path=$(sed -n 's/.*"type":"run.start","run_id":"\([^"]*\)".*/\1/p' "$home/tmp/run.out")
	orphan
	run=$(for run in "$SANDBOX_RUNNER_STATE_DIR"/runs/*; do [ "${run##*/}" = "$path" ] || echo "$run"; done)
	"${drop[@]}" sleep 60 & innocent=$!
	sleep 0.1
	start=$(sed 's/.*) //' "/proc/$innocent/stat" | cut -d' ' -f20)
	mkdir "$home/keep"
	{
		echo "init $innocent $start"; echo "init 1 1"; echo "init -1 5"; echo "cgroup /"; echo "cgroup $home/keep"
		find /sys/fs/cgroup -type d -name "sandbox_runner-$path" | sed 's/^/cgroup /'
		awk '/^init /{print $1, $2, $3 + 1}' "$run"/native-*
	} >> "$(ls "$run"/native-*)"
	printf '%s\n' '{"type":"intent","backend":"native","endpoint":"'"$SANDBOX_RUNNER_STATE_DIR/runs/$path"'","id":"'"$path"'"}' \
		'{"type":"intent","backend":"native","endpoint":"/","id":"../../keep"}' 'rubbish' >> "$run/journal"
	gc
	[ "$rc" = 0 ] || problems+="gc: exit $rc: $(cat "$err")"
	grep -q '3 damaged lines were ignored' "$out" || problems+="gc does not mention the damage: $(cat "$out")"
	kill -0 "$innocent" || problems+="an innocent process was killed"
	[ -d "$home/keep" ] || problems+="an innocent folder was removed"
	[ -d "$run" ] && problems+="the dead run is still there"
	wait "$alive" || problems+="the living run was hurt: exit $?: $(tail -n 2 "$home/tmp/run.out")"
	kill "$innocent"; rmdir "$home/keep"; rm -f "$home/tmp/run.out"
	verdict "$user: a tampered state" "$problems$(left=0; look world)"
}

refusals() {
	gc --nonsense; status 2 "$user: unknown option"
	gc extra; status 2 "$user: an operand"
	gc --state-dir=/nonexistent/x; status 0 "$user: a state folder that never was"
	echo x > "$home/tmp/file"
	gc --state-dir="$home/tmp/file"; status 5 "$user: a file as state folder"
	err_has "choose another one by --state-dir DIR or \$SANDBOX_RUNNER_STATE_DIR" "$user: with the remedy"
	rm "$home/tmp/file"
	mkdir -p "$home/tmp/open/runs"; chmod 777 "$home/tmp/open"
	gc --state-dir="$home/tmp/open"; status 5 "$user: a state folder that others can write"
	rm -r "$home/tmp/open"
}

each_user killed_gc
each_user beside_a_living_run
each_user says_what_it_sees
each_user cannot_remove
stray
each_user tampered
each_user refusals
finish
