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
else
	skip "memory" "no memory cgroup can be had here"
fi
if limit pids; then
	hog fork-bomb 7 's["limit"] == "pids" and "did not end within" in s["reason"]' 20 "python3 -c 'exec(\\\"import os\\\\nwhile True:\\\\n try: os.fork()\\\\n except OSError: pass\\\")'"
	hog many-processes 7 's["limit"] == "pids"' 20 "i=0; while [ \$i -lt 300 ]; do sleep 2 & i=\$((i + 1)); done; wait"
else
	skip "fork-bomb" "no pids cgroup can be had here"
fi
hog disk 7 's["limit"] in ("storage", "fsize")' 20 "i=0; while head -c 30000000 /dev/zero > f\$i; do i=\$((i + 1)); done; exit 1"
hog file 7 's["limit"] == "fsize"' 20 "exec python3 -c 'import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); open(\\\"f\\\", \\\"wb\\\").truncate(1 << 40)'"
hog stopped 1 's["status"] == "timed_out"' 20 "kill -STOP \$\$"
hog deaf 1 's["status"] == "timed_out"' 20 "trap '' TERM INT HUP QUIT; while :; do sleep 1; done"
hog daemon 0 's["status"] == "passed"' 10 "setsid sh -c 'trap \\\"\\\" TERM HUP; : $mark; sleep 600' > /dev/null 2>&1 & setsid sleep 600 & exit 0"
hog silent 0 's["status"] == "passed"' 10 "exec > /dev/null 2>&1; sleep 1"

# the runner itself: flat memory under a flood
wpk flood - <<< '    - {name: flood, type: shell, config: {command: "head -c 1000000000 /dev/zero; head -c 100000000 /dev/zero >&2"}}'
if command -v python3 > /dev/null; then
	python3 - "$SANDBOX_RUNNER" > "$out" 2> "$err" <<-'PY'
		import resource, subprocess, sys
		p = subprocess.run([sys.argv[1], "--wpk=flood.wpk.yaml", "--format=json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	PY
	peak=$(awk '/^peak/ {print $2}' "$out")
	[ "${peak:-999999}" -lt 65536 ]; result $? "flood: the runner stays below 64 MiB (${peak:-?} KiB)"
fi
left_nothing "hogs"
finish
