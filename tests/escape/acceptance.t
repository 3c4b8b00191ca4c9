#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# acceptance: the probe of the acceptance material ($PROBE, or the one that lies beside a checkout in our own test set-up), as root and
# as a user. Written by others than the jail and than probe.c: each of its lines that says ALLOWED is a failure here.
. "$(dirname "$0")/../cli/lib.sh"
source=${PROBE:-$repo/../shared/probes/probe.c}
[ -f "$source" ] || { echo "no probe at $source (set PROBE)"; exit 77; }
chmod 755 "$work"
cp "$SANDBOX_RUNNER" runner && mkdir files && cc -O2 -static -o files/probe "$source" 2> cc.log && chmod -R a+rX runner files ||
	{ cat cc.log; echo "the probe does not compile here"; exit 77; }
echo bait-4711 > canary; chmod 644 canary
(exec -a acceptance-host-process sleep 300) & process=$!
trap 'kill $process 2> /dev/null; remove_work' EXIT
namespaces=$(for n in mnt pid net ipc uts cgroup; do printf '%s=%s,' $n "$(stat -Lc %i /proc/self/ns/$n)"; done)
hog() { wpk "$1" - <<< "    - {name: $1, type: shell, config: {command: \"./probe --hog $2 --dir /work\"}}"; }
wpk probe - <<< "    - {name: probe, type: shell, config: {command: \"./probe --canary $work/canary --token bait-4711 --env ACCEPTANCE_SECRET \
--host-argv0 acceptance-host-process --host-ns ${namespaces%,} --work /work\"}}"
hog memory 'mem --limit 128M --max 256M'; hog processes 'fork --limit 40'; hog disk 'disk --limit 64M --max 128M'; hog daemon daemon

attempt() {	# who, command in front of the runner…
	local who=$1; shift
	ACCEPTANCE_SECRET=hunter2 "$@" ./runner --wpk=probe.wpk.yaml --files=files --state-dir="$state" --format=json > "$out" 2> "$err" < /dev/null; rc=$?
	json 'd["steps"][0]["status"] == "passed"' "$who: the probe ran to its end"
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["steps"][0]["stdout"]["text"], end="")' "$out" > lines 2>> "$err"
	[ "$(grep -c '^PROBE .* blocked ' lines)" -ge 60 ]; result $? "$who: all was tried"
	while read -r _ id verdict detail; do
		case $verdict in
		blocked) result 0 "$who: $id" ;;
		ALLOWED) result 1 "$who: $id: $detail" ;;
		esac
	done < <(grep '^PROBE ' lines)
	"$@" ./runner --wpk=daemon.wpk.yaml --files=files --state-dir="$state" > "$out" 2> "$err" < /dev/null; rc=$?
	status 0 "$who: a daemon"
	! pgrep -f -- 'probe --hog daemon' > /dev/null; result $? "$who: the daemon is dead"
}

state=$work/state
attempt "as uid $(id -u)" env
if [ "$(id -u)" = 0 ]; then
	for case in memory:7:memory processes:7:pids disk:7:storage; do
		IFS=: read -r name code limit <<< "$case"
		./runner --wpk=$name.wpk.yaml --files=files --state-dir="$state" --format=json --memory=128Mi --pids=40 --storage=64Mi --require=memory,pids \
			> "$out" 2> "$err" < /dev/null; rc=$?
		if [ "$rc" = 5 ]; then skip "hog: $name" "no cgroup with the controller on this host"; continue; fi
		status "$code" "hog: $name"
		json "(d['steps'][0]['limit'] or '') == '$limit' and 'ALLOWED' not in d['steps'][0]['stdout']['text']" "hog: $name: stopped at its limit, and called by its name"
	done
	mkdir -m 777 users; state=$work/users/plain
	if setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur true 2> /dev/null; then
		attempt "as uid 1000" setpriv --reuid 1000 --regid 1000 --clear-groups
	else
		skip "as uid 1000" "users may not make user namespaces here"
	fi
fi
finish
