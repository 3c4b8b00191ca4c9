#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The service is killed under load, again and again: what it had accepted is there with an explained end, and nothing of a run is left.
# CRASH_ROUNDS=50 for more than the usual 10.
. "$(dirname "$0")/lib.sh"
command -v python3 > /dev/null || { echo 'python3 is not installed'; exit 77; }
rounds=${CRASH_ROUNDS:-10}
token=76543$$	# seconds that nobody else sleeps
wpk quick
wpk work - <<< '    - {name: work, type: shell, config: {command: "for i in 1 2 3 4 5 6 7 8; do echo $i > f$i; sleep 0.1; done"}}'
wpk long - <<YAML
    - {name: long, type: shell, config: {command: "sleep $token & setsid sleep $token & sleep $token"}}
YAML
wpk bad - <<< '    - {name: no, type: shell, config: {command: "exit 3"}}'
: > accepted

# Everything that is ours on this host, a line each.
processes() {
	grep -lsaE -- "$SERVE_DATA/state|$token" /proc/[0-9]*/cmdline 2> /dev/null | while read -r file; do
		case $file in /proc/$$/*|/proc/$SERVE_PID/*|/proc/self/*) continue ;; esac
		printf 'process %s\n' "$file $(cat "$file" 2> /dev/null | tr '\0' ' ' | cut -c 1-200)"
	done | grep -v ' /proc/[0-9]*/cmdline $' | grep -v ' serve '
}
world() {
	processes
	find "$SERVE_DATA/state/runs" -mindepth 1 -maxdepth 1 2> /dev/null | sed 's/^/journal /'
	grep -F "$SERVE_DATA" /proc/self/mountinfo | sed 's/^/mount /'
	find /sys/fs/cgroup -type d -name 'sandbox_runner-r-*' 2> /dev/null | sed 's/.*sandbox_runner-//' | sort -u | grep -Fxf <(cat accepted; ls "$SERVE_DATA/data/runs") |
		sed 's/^/cgroup /'
}
settled() { local i; for i in $(seq 100); do left=$(world); [ -z "$left" ] && return 0; sleep 0.1; done; return 1; }

start_again() { serve_start --quiet --runs=12 --queue=60 --keep-runs=100000 --rate=100000; }
kill_it() {	# at once, and what it leaves behind is the next one's trouble
	kill -KILL "$SERVE_PID"; wait "$SERVE_PID" 2> /dev/null
	SERVE_PID=
}
none_open() { http GET '/v1/runs?state=running'; [ "$STATUS" = 200 ] && [ "$(body '.runs|length')" = 0 ] && http GET '/v1/runs?state=queued' && [ "$(body '.runs|length')" = 0 ]; }

for round in $(seq "$rounds"); do
	start_again || { result 1 "round $round: it starts"; finish; exit; }
	[ "$round" = 1 ] || ok "round $round: nothing is open that the service before began" none_open
	before=$(wc -l < accepted)
	python3 "$here/crash_load.py" "$BASE" 20 accepted quick.wpk.yaml long.wpk.yaml work.wpk.yaml bad.wpk.yaml > load.out 2>&1 & load=$!
	for _ in $(seq 600); do [ "$(wc -l < accepted)" -gt "$before" ] && break; sleep 0.05; done	# at least one was taken
	sleep "$((RANDOM % 2)).$(printf %03d $((RANDOM % 1000)))"
	kill_it
	wait $load; rc=$?
	cp load.out "$out"; result $rc "round $round: killed after $(($(wc -l < accepted) - before)) runs were accepted"
	if [ $((round % 3)) = 0 ]; then		# and once more while it cleans up
		"$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$SERVE_DATA/data" --state-dir="$SERVE_DATA/state" --config=none > again.log 2>&1 & SERVE_PID=$!
		sleep "0.$(printf %03d $((RANDOM % 400)))"
		kill_it
	fi
done

start_again || { result 1 'it starts after the last'; finish; exit; }
ok 'nothing is open' none_open
settled; result $? 'no process, journal, mount or cgroup is left'
[ -z "$left" ] || printf '%s\n' "$left" | head -n 20 | sed 's/^/# /'
python3 - "$BASE" accepted > verdicts 2> "$err" <<'PY'
import http.client, json, sys, urllib.parse
c, bad = http.client.HTTPConnection(urllib.parse.urlsplit(sys.argv[1]).netloc, timeout=60), 0
for run_id in open(sys.argv[2]).read().split():
    c.request("GET", "/v1/runs/" + run_id)
    a = c.getresponse(); text = a.read(); r = json.loads(text)
    if a.status != 200 or r["run_id"] != run_id or r["state"] != "ended" or not r["verdict"] or len(r["detail"] or "") < 10 or not r["ended"]:
        print(a.status, text[:400], file=sys.stderr); bad += 1
    print(r.get("verdict"), "before" if "never began" in (r.get("detail") or "") else "")
sys.exit(bad > 0)
PY
rc=$?; result $rc "all $(wc -l < accepted) accepted runs have an explained end: $(sort verdicts | uniq -c | awk '{ printf "%s %s %s; ", $1, $2, $3 }')"
ok 'some were interrupted at work' grep -qx 'interrupted ' verdicts
ok 'some before they began' grep -qx 'interrupted before' verdicts
ok 'some had come to their end' grep -q verified verdicts
http POST /v1/runs -H 'Content-Type: application/yaml' --data-binary @quick.wpk.yaml
ok 'and it takes new ones' test "$STATUS" = 202
http POST /v1/runs -H 'Content-Type: application/yaml' --data-binary @long.wpk.yaml; id=$(body .run_id)
for _ in $(seq 600); do left=$(world); case $left in *process*sleep*journal*) break ;; esac; sleep 0.05; done
case $left in *process*sleep*journal*) true ;; *) false ;; esac; result $? 'what is at work would have been found'
http POST "/v1/runs/$id/cancel"
http GET "/v1/runs/$id?wait=30s"
settled; result $? 'a run that is cancelled leaves nothing'
serve_stop; rc=$?; status 0 'it stops'
ok 'and nothing is left to clean up' timeout 60 sh -c '"$1" gc --state-dir="$2" | grep -q "nothing to clean up"' sh "$SANDBOX_RUNNER" "$SERVE_DATA/state"
finish
