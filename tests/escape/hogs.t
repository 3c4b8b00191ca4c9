#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hogs: steps that take all there is, and steps that do not want to go. Each ends as what it was, the next step runs, and
# the host has nothing of it afterwards.
. "$(dirname "$0")/../cli/lib.sh"
command -v python3 > /dev/null || { echo "the hogs are written in python3, which is not installed"; exit 77; }
mark=hog-$$-$RANDOM	# in the arguments of every hog

hog() {	# name, exit status, JSON condition on the step `s`, seconds it may take, command
	local name=$1 expected=$2 condition=$3 within=$4 t0=$SECONDS
	wpk "$name" - <<YAML
    - {name: $name, type: shell, timeout: 3s, config: {command: ": $mark; $5"}}
YAML
	run --override='to see the limits at work' --wpk="$name.wpk.yaml" --profile=restrictive --format=json; status "$expected" "$name"
	json "(lambda s: $condition)(d['steps'][0])" "$name: is called what it was"
	[ $((SECONDS - t0)) -le "$within" ]; result $? "$name: within $within s"
	! pgrep -f "$mark" > /dev/null; result $? "$name: no process on the host"
	json 'd["cleanup"]["complete"] if isinstance(d["cleanup"], dict) and "complete" in d["cleanup"] else True' "$name: cleaned up"
}
limit() { [ "$(id -u)" = 0 ] && "$SANDBOX_RUNNER" doctor 2> /dev/null | grep -qE "^ *enforced +$1 "; }

if limit memory; then
	hog memory 7 's["limit"] == "memory"' 20 "python3 -c 'x = [bytearray(1 << 20) for i in range(4096)]'"
	hog memory-of-many 7 's["limit"] == "memory"' 20 "for i in 1 2 3 4 5 6 7 8; do python3 -c 'x = bytearray(100 << 20); import time; time.sleep(2)' & done; wait; sleep 2"
	hog memory-without-name 7 's["limit"] == "memory"' 20 "python3 -c 'exec(\\\"import os\\\\nwhile True:\\\\n f = os.memfd_create(str())\\\\n for i in range(40): os.write(f, bytes(1 << 20))\\\")'"
else
	skip "memory" "no memory cgroup can be had here"
fi
if limit pids; then
	hog fork-bomb 7 's["limit"] == "pids" and "did not end within" in s["reason"]' 20 "python3 -c 'exec(\\\"import os\\\\nwhile True:\\\\n try: os.fork()\\\\n except OSError: pass\\\")'"
	hog many-processes 7 's["limit"] == "pids"' 20 "i=0; while [ \$i -lt 300 ]; do sleep 2 & i=\$((i + 1)); done; wait"
	hog many-threads 7 's["limit"] == "pids"' 20 "python3 -c 'exec(\\\"import threading, time\\\\nfor i in range(300): threading.Thread(target=time.sleep, args=(2,)).start()\\\")'"
else
	skip "fork-bomb" "no pids cgroup can be had here"
fi
hog disk 7 's["limit"] in ("storage", "fsize")' 20 "i=0; while head -c 30000000 /dev/zero > f\$i; do i=\$((i + 1)); done; exit 1"
hog disk-tidied-up 7 's["limit"] == "storage"' 20 "i=0; while head -c 30000000 /dev/zero > f\$i; do i=\$((i + 1)); done; sleep 0.3; rm -f f*; exit 0"
hog shared-memory 7 's["limit"] == "storage"' 20 "i=0; while head -c 30000000 /dev/zero > /dev/shm/f\$i; do i=\$((i + 1)); done; rm -f /dev/shm/f*; exit 0"
hog killed 1 's["status"] == "failed" and "signal 9" in s["reason"]' 10 "kill -KILL \$\$"
hog exit 1 's["status"] == "failed" and "exit status 41" in s["reason"]' 10 "exit 41"
hog file 7 's["limit"] == "fsize"' 20 "exec python3 -c 'import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); open(\\\"f\\\", \\\"wb\\\").truncate(1 << 40)'"
hog stopped 1 's["status"] == "timed_out"' 20 "kill -STOP \$\$"
hog deaf 1 's["status"] == "timed_out"' 20 "trap '' TERM INT HUP QUIT; while :; do sleep 1; done"
hog daemon 0 's["status"] == "passed"' 10 "setsid sh -c 'trap \\\"\\\" TERM HUP; : $mark; sleep 600' > /dev/null 2>&1 & setsid sleep 600 & exit 0"
hog silent 0 's["status"] == "passed"' 10 "exec > /dev/null 2>&1; sleep 1"

# the same bomb where no control group counts what is refused
if [ "$(id -u)" = 0 ] && chmod 755 "$work" && cp "$SANDBOX_RUNNER" runner && mkdir -m 777 users &&
	setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur true 2> /dev/null; then
	setpriv --reuid 1000 --regid 1000 --clear-groups ./runner --override='to see the limits at work' --wpk=fork-bomb.wpk.yaml --profile=restrictive \
		--state-dir="$work/users/state" --format=json > "$out" 2> "$err" < /dev/null; rc=$?
	status 7 "fork-bomb of a user"; json 'd["steps"][0]["limit"] == "pids"' "fork-bomb of a user: is called what it was"
	! pgrep -f "$mark" > /dev/null; result $? "fork-bomb of a user: no process on the host"
else
	skip "fork-bomb of a user" "needs root to become one, and user namespaces for all"
fi

# the runner itself: flat memory under a flood
wpk flood - <<< '    - {name: flood, type: shell, config: {command: "head -c 1000000000 /dev/zero; head -c 100000000 /dev/zero >&2"}}'
wpk lines - <<< '    - {name: lines, type: shell, config: {command: "yes a line of the step | head -c 100000000; yes | head -c 1000000000 >&2"}}'
for flood in flood lines; do
	python3 - "$SANDBOX_RUNNER" --wpk=$flood.wpk.yaml --format=json --save-logs="$work/logs-$flood" > "$out" 2> "$err" <<-'PY'
		import resource, subprocess, sys
		result = open(".result", "w")
		p = subprocess.run(sys.argv[1:], stdout=result, stderr=subprocess.DEVNULL)
		print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	PY
	peak=$(awk '/^peak/ {print $2}' "$out"); mv .result "$out"
	[ "${peak:-999999}" -lt 65536 ]; result $? "$flood: the runner stays below 64 MiB (${peak:-?} KiB)"
	json 'sum(d["steps"][0][s]["total_bytes"] for s in ("stdout", "stderr")) == 1100000000' "$flood: all of it is counted"
	json 'd["steps"][0]["limit"] == "output" and any(d["steps"][0][s]["truncated"] for s in ("stdout", "stderr"))' "$flood: what was cut is said to be cut"
	kept=$(find "$work/logs-$flood" -type f -not -name 'events*' -not -name 'result*' -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')
	[ "$kept" -gt 1000000 ] && [ "$kept" -lt 70000000 ]; result $? "$flood: the logs stay below the limit of output ($kept bytes)"
done
left_nothing "hogs"
finish
