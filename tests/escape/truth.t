#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# truth: what the enforcement table says of memory, processes, cpu, storage and swap is what a step finds when it takes too much: "enforced"
# stops all its processes together, "degraded" each by itself, "unavailable" nothing. By root and by a user, with control groups and without.
. "$(dirname "$0")/../cli/lib.sh"
command -v python3 > /dev/null || { echo "the hogs are written in python3, which is not installed"; exit 77; }
chmod 755 "$work"; cp "$SANDBOX_RUNNER" runner && chmod 755 runner
step() { printf '    - name: %s\n      type: shell\n      timeout: 20s\n      config:\n        command: |\n          %s\n' "$1" "$2" | wpk "$1" -; }
step hello "true"
step one "python3 -c 'x = bytearray(200 << 20)'"
step two "for i in 1 2; do python3 -c 'x = bytearray(70 << 20); import time; time.sleep(1)' & done; wait %1 && wait %2"
step many 'i=0; while [ $i -lt 60 ]; do sleep 1 & i=$((i + 1)); done; wait'
step busy 'for i in 1 2; do timeout 3 sh -c "while :; do :; done" & done; wait; exit 0'
step files 'i=0; while echo > f$i; do i=$((i + 1)); [ $i -lt 2000 ] || break; done 2> /dev/null; ls | wc -l; rm -f f*'
chmod 644 ./*.wpk.yaml

go() { "${as[@]}" ./runner --override='to see the limits at work' --state-dir="$state" --format=json "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
state_of() { python3 -c 'import json,sys; print([c["state"] for c in json.load(open(sys.argv[1]))["enforcement"] if c["control"] == sys.argv[2]][0])' "$out" "$1"; }
detail_of() { python3 -c 'import json,sys; print([c["detail"] or "" for c in json.load(open(sys.argv[1]))["enforcement"] if c["control"] == sys.argv[2]][0])' "$out" "$1"; }

memory() {	# who, state
	go --wpk=two.wpk.yaml --memory=96Mi
	case $2 in
	enforced) json 'd["steps"][0]["limit"] == "memory"' "$1: memory is enforced: two processes of 70 MiB are too much for 96" ;;
	degraded)
		json 'd["steps"][0]["status"] == "passed"' "$1: memory is degraded: two processes of 70 MiB each fit into 96"
		go --wpk=one.wpk.yaml --memory=96Mi
		json 'd["steps"][0]["status"] == "failed" and "MemoryError" in d["steps"][0]["stderr"]["text"]' "$1: memory is degraded: one process of 200 MiB does not" ;;
	*) result 1 "$1: memory is $2" ;;
	esac
}
pids() {
	go --wpk=many.wpk.yaml --pids=40
	case $2 in
	enforced) json 'd["steps"][0]["limit"] == "pids"' "$1: processes are enforced: a refused fork is told" ;;
	degraded) json '"annot fork" in d["steps"][0]["stderr"]["text"]' "$1: processes are degraded: forks are refused" ;;
	*) result 1 "$1: processes are $2" ;;
	esac
}
cpu() {
	go --wpk=busy.wpk.yaml --cpus=0.4
	case $2 in	# of its 3 seconds, within 15 %
	enforced)
		json 'd["steps"][0]["cpu_seconds"] / d["steps"][0]["duration_seconds"] <= 0.46' "$1: cpu is enforced: not more than 0.4 of one"
		if crowded; then skip "$1: cpu is enforced: not less either" "others use the machine"
		else json 'd["steps"][0]["cpu_seconds"] / d["steps"][0]["duration_seconds"] >= 0.34' "$1: cpu is enforced: not less either"; fi ;;
	unavailable)
		if crowded; then skip "$1: cpu is unavailable: more than 0.4 is used" "others use the machine"
		else json 'd["steps"][0]["cpu_seconds"] > 1.5' "$1: cpu is unavailable: more than 0.4 is used"; fi ;;
	*) result 1 "$1: cpu is $2" ;;
	esac
}
crowded() { awk -v n="$(nproc)" '{ exit !($1 > n + 0.5) }' /proc/loadavg; }
truth() {	# who
	local c
	go --wpk=hello.wpk.yaml; status 0 "$1"
	declare -A is=()
	for c in memory swap pids cpu storage core memlock oom_policy landlock; do is[$c]=$(state_of $c); done
	for c in memory swap pids cpu landlock; do
		[ "${is[$c]}" = enforced ] || { [ -n "$(detail_of $c)" ]; result $? "$1: $c is ${is[$c]}, and it is said why"; }
	done
	for c in core memlock oom_policy storage; do [ "${is[$c]}" = enforced ]; result $? "$1: $c is enforced"; done
	memory "$1" "${is[memory]}"; pids "$1" "${is[pids]}"; cpu "$1" "${is[cpu]}"
	go --wpk=files.wpk.yaml
	json 'd["steps"][0]["status"] == "passed" and int(d["steps"][0]["stdout"]["text"]) >= 2000' "$1: two thousand files are not too many by default"
	if [ "${is[memory]}" = enforced ]; then go --wpk=hello.wpk.yaml --require=memory; status 0 "$1: --require=memory is content"
	else go --wpk=hello.wpk.yaml --require=memory; status 5 "$1: --require=memory refuses"; fi
}

as=() state=$work/state
truth "uid $(id -u)"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 777 users; state=$work/users/plain
	if setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur true 2> /dev/null; then
		as=(setpriv --reuid 1000 --regid 1000 --clear-groups); truth "uid 1000"
	else
		skip "uid 1000" "user namespaces are for root only here"
	fi
	state=$work/state as=(unshare -m sh -c 'umount -R -l /sys/fs/cgroup && exec "$@"' -)
	if "${as[@]}" true 2> /dev/null; then
		go --wpk=hello.wpk.yaml
		[ "$(state_of memory) $(state_of pids) $(state_of cpu)" = "degraded degraded unavailable" ]; result $? "root without control groups: the table"
		truth "root without control groups"
	else
		skip "root without control groups" "cannot unmount them here"
	fi
fi
finish
