#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A data folder that is full: the service says so, answers what needs no room, loses nothing, and goes on when there is room again.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo 'root only: mounts a small file system'; exit 77; }
mkdir -p "$SERVE_DATA/data"
mount -t tmpfs -o size=3m tmpfs "$SERVE_DATA/data" 2> /dev/null || { echo 'a tmpfs cannot be mounted here'; exit 77; }
trap 'serve_stop KILL 2> /dev/null; umount "$SERVE_DATA/data"; remove_work' EXIT
package() { printf 'apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: full, version: 1.0.%s, description: d, author: a}\nspec:\n  safety: {mode: auto}\n  handlers:\n    - name: h\n      steps: [{name: s, shell: {command: "echo here; sleep %s"}}]\n' "$1" "$2"; }
package 0 0 > "$work/p.wpk.yaml"; package 1 4 > "$work/slow.wpk.yaml"
post() { http POST "$1" -H 'Content-Type: application/yaml' --data-binary @"$2"; }

serve_start || { finish; exit; }
post '/v1/runs?wait=30s' "$work/p.wpk.yaml"; first=$(body .run_id)
ok 'a run while there is room' test "$STATUS/$(body .verdict)" = 200/verified
post /v1/runs "$work/slow.wpk.yaml"; second=$(body .run_id)
ok 'one that is at work' test "$STATUS" = 202
for _ in $(seq 200); do http GET "/v1/runs/$second/logs"; grep -q here "$BODY" && break; sleep 0.05; done
cat /dev/zero > "$SERVE_DATA/data/ballast" 2> /dev/null
ok 'the disk is full' test "$(df --output=avail "$SERVE_DATA/data" | tail -n 1)" -lt 64
post /v1/runs "$work/p.wpk.yaml"
ok 'a new run is refused as the server'"'"'s trouble' test "$STATUS" -ge 500
ok 'with a problem whose detail is a sentence' test "$(body '.detail | type')" = string
{ cat "$work/slow.wpk.yaml"; yes '# so long that it needs room' | head -n 20000; } > "$work/long.wpk.yaml"
http POST /workflows -F "file=@$work/long.wpk.yaml"
ok 'a package cannot be registered' test "$STATUS" = 507
http GET /healthz; ok 'it is alive' test "$STATUS" = 200
http GET /readyz; ok 'and not ready' test "$STATUS" = 503
http GET "/v1/runs/$first"; ok 'what is there can be read' test "$STATUS/$(body .verdict)" = 200/verified
http POST /v1/validate -H 'Content-Type: application/yaml' --data-binary @"$work/p.wpk.yaml"
ok 'what needs no room is done' test "$STATUS/$(body .valid)" = 200/true
sleep 5
http GET "/v1/runs/$second"
ok 'the run at work has ended or is known as running' test "$STATUS" = 200
rm "$SERVE_DATA/data/ballast"
for _ in $(seq 400); do http GET "/v1/runs/$second"; [ "$(body .state)" = ended ] && break; sleep 0.05; done
ok 'with room again, its end is written down' test "$(body .state)" = ended
ok 'with a verdict and a reason' test "$(body '(.verdict | length) > 0 and (.detail | length) > 0')" = true
http GET /readyz; ok 'ready again' test "$STATUS" = 200
post '/v1/runs?wait=30s' "$work/p.wpk.yaml"
ok 'runs again' test "$STATUS/$(body .verdict)" = 200/verified
http GET '/v1/runs?limit=50'
ok 'every accepted run is listed, and none that was refused' test "$(body '[.runs[].run_id] | length')" = 3
serve_stop; rc=$?; status 0 'it ends well'
serve_start && http GET '/v1/runs?limit=50'
ok 'and so is it for the next one' test "$(body '[.runs[] | select(.state == "ended")] | length')" = 3
serve_stop
finish
