#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# truth: what the enforcement table says of memory, processes, cpu, storage and swap is what a step finds when it takes too much: "enforced"
# stops all its processes together, "degraded" each by itself, "unavailable" nothing. By root and by a user, with control groups and without.
# And whatever a step can see of the other walls is as the table says, also where an OCI runtime, or its own kernel, made them.
. "$(dirname "$0")/../cli/lib.sh"
command -v python3 > /dev/null || { echo "the hogs are written in python3, which is not installed"; exit 77; }
chmod 755 "$work"; cp "$SANDBOX_RUNNER" runner && chmod 755 runner
step() { printf '    - name: %s\n      type: shell\n      timeout: 20s\n      config:\n        command: |\n          %s\n' "$1" "$2" | wpk "$1" -; }
step hello "true"
step one "python3 -c 'x = bytearray(200 << 20)'"
step two "for i in 1 2; do python3 -c 'x = bytearray(70 << 20); import time; time.sleep(1)' & done; wait %1 && wait %2"
step many 'i=0; while [ $i -lt 60 ]; do sleep 1 & i=$((i + 1)); done; wait'
step busy 'for i in 1 2; do timeout 3 sh -c "while :; do :; done" & done; wait; exit 0'
step crowd 'i=0; while [ $i -lt 400 ]; do sleep 2 & i=$((i + 1)); done; wait'
step facts 'exec python3 facts.py'
step files 'i=0; while echo > f$i; do i=$((i + 1)); [ $i -lt 2000 ] || break; done 2> /dev/null; ls | wc -l; rm -f f*'
chmod 644 ./*.wpk.yaml

# What a step finds, by the control that it belongs to; null: it cannot be told from inside.
cat > facts.py <<'PY'
import errno, json, os, re, resource, socket
NOEXEC, NOSUID, NODEV = os.ST_NOEXEC, os.ST_NOSUID, os.ST_NODEV
status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
def flags(path, want): return os.statvfs(path).f_flag & want == want
def opens(path, how):
    try: fd = os.open(path, how | os.O_NONBLOCK)
    except OSError: return False
    null = os.fstat(fd).st_rdev == os.makedev(1, 3)	# how some hide a file
    os.close(fd)
    return not null
def makes(folder):
    try: os.close(os.open(folder + "/try", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError as e: return e.errno == errno.EEXIST
    return True
def executes(folder):
    path = folder + "/try-exec"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o700))
    try: os.execv(path, [path])
    except OSError as e: return e.errno != errno.EACCES
    finally: os.unlink(path)
def connects():
    s = socket.socket()
    s.settimeout(2)
    return s.connect_ex(("203.0.113.7", 80)) not in (errno.ENETUNREACH, errno.EHOSTUNREACH)
def hard(name): return resource.getrlimit(name)[1]
def allowed(name):
    try: return not os.listdir(name)
    except OSError: return False
devices = set("null zero full random urandom tty ptmx pts shm mqueue fd stdin stdout stderr console".split())
facts = {
    "private_tmp": flags("/tmp", NOEXEC | NOSUID | NODEV) and flags(".", NOSUID | NODEV) and not executes("/tmp"),
    "minimal_dev": all(n in devices or allowed("/dev/" + n) for n in os.listdir("/dev")),
    "read_only_root": not any(makes(d) for d in ("/", "/etc", "/usr", "/usr/bin", "/var", "/dev", "/run", "/var/tmp") if os.path.isdir(d)),
    "masked_paths": not any(opens(p, os.O_WRONLY) for p in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/power/state", "/sys/kernel/uevent_helper"))
        and not any(opens(p, os.O_RDONLY) for p in ("/proc/kcore", "/proc/kmsg")) and " - cgroup" not in open("/proc/self/mountinfo").read(),
    "network": not connects(),
    "seccomp": status.get("Seccomp") == "2",
    "no_new_privs": status.get("NoNewPrivs") == "1",
    "capabilities": all(int(status.get(k, "0"), 16) == 0 for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")),
    "non_root": os.getuid() != 0 and os.getgid() != 0,
    "supplementary_groups": not set(os.getgroups()) - {os.getgid()},
    "nofile": hard(resource.RLIMIT_NOFILE) == 1024, "fsize": hard(resource.RLIMIT_FSIZE) == 1 << 30,
    "core": hard(resource.RLIMIT_CORE) == 0, "memlock": hard(resource.RLIMIT_MEMLOCK) <= 64 << 10,
    "oom_policy": open("/proc/self/oom_score_adj").read() == "1000\n",
    "storage": os.statvfs(".").f_blocks * os.statvfs(".").f_frsize <= 64 << 20,
}
for name in ("user", "pid", "net", "ipc", "uts", "cgroup"):
    try: facts["ns:" + name] = os.stat("/proc/self/ns/" + name).st_ino
    except OSError: facts["ns:" + name] = None
print(json.dumps(facts))
PY
chmod 644 facts.py
walls() {	# who: no row says "enforced" of what a step finds open, and no other row is without a reason
	go --wpk=facts.wpk.yaml --files=facts.py --storage=64Mi --nofile=1024 --fsize=1Gi --fail-on-security=none; status 0 "$1: the facts"
	python3 - "$out" <<'PY' > rows 2>> "$err"
import json, os, sys
d = json.load(open(sys.argv[1]))
facts = json.loads(d["steps"][0]["stdout"]["text"])
rows = {c["control"]: c for c in d["enforcement"]}
names = {"user": "user_namespace", "pid": "pid_namespace", "ipc": "ipc_namespace", "uts": "uts_namespace", "cgroup": "cgroup_namespace"}
for ns, control in names.items():	# a kernel of its own shows none, or the same number for all
    inside, own = facts.pop("ns:" + ns), "kernel of its own" in rows["pid_namespace"]["mechanism"]
    facts[control] = None if own or not inside else inside != os.stat("/proc/self/ns/" + ns).st_ino
facts.pop("ns:net")
for control, holds in sorted(facts.items()):
    row = rows[control]
    if row["state"] == "enforced": print("not ok" if holds is False else "ok", f"{control} is enforced, and holds")
    else: print("ok" if row["detail"] and row["state"] in ("degraded", "unavailable") else "not ok", f"{control} is {row['state']}: {row['detail']}")
PY
	[ "$(wc -l < rows)" -ge 21 ]; result $? "$1: every wall was looked at"
	while read -r verdict rest; do
		if [ "$verdict" = ok ]; then result 0 "$1: $rest"; else read -r _ rest <<< "$rest"; result 1 "$1: $rest"; fi
	done < rows
}

go() { "${as[@]}" ./runner --override='to see the limits at work' --state-dir="$state" --format=json "${options[@]}" "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
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
	degraded)
		if detail_of pids | grep -q 'of that kernel'; then
			go --wpk=crowd.wpk.yaml --pids=40
			json 'd["steps"][0]["limit"] == "pids"' "$1: processes are degraded: four hundred are too many for forty"
			return
		fi
		json '"annot fork" in d["steps"][0]["stderr"]["text"]' "$1: processes are degraded: forks are refused" ;;
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
truth() {	# who, what more has to be enforced
	local c
	go --wpk=hello.wpk.yaml; status 0 "$1"
	declare -A is=()
	for c in memory swap pids cpu storage core memlock oom_policy landlock; do is[$c]=$(state_of $c); done
	for c in memory swap pids cpu landlock; do
		[ "${is[$c]}" = enforced ] || { [ -n "$(detail_of $c)" ]; result $? "$1: $c is ${is[$c]}, and it is said why"; }
	done
	for c in core memlock storage ${2:-oom_policy}; do [ "${is[$c]}" = enforced ]; result $? "$1: $c is enforced"; done
	memory "$1" "${is[memory]}"; pids "$1" "${is[pids]}"; cpu "$1" "${is[cpu]}"
	go --wpk=files.wpk.yaml
	json 'd["steps"][0]["status"] == "passed" and int(d["steps"][0]["stdout"]["text"]) >= 2000' "$1: two thousand files are not too many by default"
	if [ "${is[memory]}" = enforced ]; then go --wpk=hello.wpk.yaml --require=memory; status 0 "$1: --require=memory is content"
	else go --wpk=hello.wpk.yaml --require=memory; status 5 "$1: --require=memory refuses"; fi
}

as=() options=() state=$work/state
truth "uid $(id -u)"
walls "uid $(id -u)"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 777 users; state=$work/users/plain
	if setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur true 2> /dev/null; then
		as=(setpriv --reuid 1000 --regid 1000 --clear-groups); truth "uid 1000"; walls "uid 1000"
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
	as=()
	for runtime in runc crun runsc; do
		options=(--runtime=$runtime)
		go --wpk=hello.wpk.yaml
		[ $rc = 5 ] && { skip "$runtime" "$(grep -o "there is no program.*\|'$runtime'.*" "$out" | head -n 1)"; continue; }
		truth "$runtime" "$([ $runtime = runsc ] && echo memory || echo oom_policy)"	# gVisor knows no oom_score_adj
		walls "$runtime"
	done
fi
finish
