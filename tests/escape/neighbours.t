#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# neighbours: two runs at the same time, by the same user, see nothing of each other: files, processes, sockets, ports, System V objects.
. "$(dirname "$0")/../cli/lib.sh"
neighbour=$repo/${BUILD:-build/gcc}/escape/neighbour
[ -x "$neighbour" ] || { echo "no $neighbour: make test-bins"; exit 77; }
chmod 755 "$work"; cp "$SANDBOX_RUNNER" runner; cp "$neighbour" neighbour; chmod 755 runner neighbour
wpk left - <<< '    - {name: left, type: shell, config: {command: "exec ./neighbour leftone rightone 2"}}'
wpk right - <<< '    - {name: right, type: shell, config: {command: "exec ./neighbour rightone leftone 2"}}'
chmod 644 ./*.wpk.yaml

together() {	# who, state folder, command in front
	local who=$1 state=$2 name pids=(); shift 2
	for name in left right; do
		"$@" ./runner --wpk=$name.wpk.yaml --files=neighbour --state-dir="$state" --format=json > "$name.json" 2> "$name.err" < /dev/null & pids+=($!)
	done
	for name in left right; do
		wait "${pids[0]}"; rc=$?; pids=("${pids[@]:1}")
		cp "$name.json" "$out"; cp "$name.err" "$err"
		json 'd["steps"][0]["status"] == "passed" and d["steps"][0]["stdout"]["text"].startswith("blocked ")' "$who: $name sees nothing of the other"
	done
	# they were there at the same time: each took two seconds, both together less than four
	python3 - left.json right.json <<-'PY' > "$out" 2> "$err"
		import json, sys
		a, b = (json.load(open(f)) for f in sys.argv[1:])
		sys.exit(not (a["steps"][0]["duration_seconds"] >= 2 and b["steps"][0]["duration_seconds"] >= 2))
	PY
	result $? "$who: both took their time"
}
start=$SECONDS
together "uid $(id -u)" "$work/state" env
[ $((SECONDS - start)) -lt 4 ]; result $? "at the same time"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 777 users
	if setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur true 2> /dev/null; then
		together "uid 1000" "$work/users/state" setpriv --reuid 1000 --regid 1000 --clear-groups
	else
		skip "uid 1000" "user namespaces are for root only here"
	fi
fi
finish
