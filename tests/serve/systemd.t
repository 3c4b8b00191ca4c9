#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The unit of scripts/systemd: is it one, and is what it leaves to the service enough for a sandbox that lacks nothing?
. "$(dirname "$0")/lib.sh"
: > "$out"; : > "$err"
unit=$repo/scripts/systemd/sandbox_runner.service
ok 'its command line is one of ours' sh -c '"$1" serve --help | grep -q -- --state-dir && grep -q "^ExecStart=/usr/local/bin/sandbox_runner serve --listen=127.0.0.1:8000 " "$2"' sh "$SANDBOX_RUNNER" "$unit"
if command -v systemd-analyze > /dev/null && [ ! -d /run/systemd ] && [ "$(id -u)" != 0 ]; then
	skip 'systemd-analyze has nothing to say' 'no systemd runs, and only root can make the folder that systemd-analyze wants'
elif command -v systemd-analyze > /dev/null; then
	sed "s#/usr/local/bin/sandbox_runner#$SANDBOX_RUNNER#" "$unit" > sandbox_runner.service
	systemd-analyze verify --man=no "$work/sandbox_runner.service" > "$out" 2>&1; rc=$?
	[ "$rc" = 0 ] && ! grep -q sandbox_runner.service "$out"; result $? 'systemd-analyze has nothing to say'
else
	skip 'systemd-analyze has nothing to say' 'systemd is not installed'
fi
if [ "$(id -u)" != 0 ] || ! command -v setpriv > /dev/null; then
	skip 'its capabilities are enough' 'not root, or no setpriv'
	finish; exit
fi
caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
weak='[.enforcement[] | select(.state == "degraded" or .state == "unavailable") | .control] | sort | join(" ")'
wpk plain
# everything but the state folder read-only, as ProtectSystem=strict has it
confined() {
	unshare -m --propagation slave sh -c 'mount -o remount,bind,ro / && mount --bind "$1" "$1" && mount -o remount,bind,rw "$1" && shift &&
		exec setpriv --bounding-set="-all,$1" --no-new-privs "$2" run --wpk=plain.wpk.yaml --format=json' sh "$work" "$caps" "$SANDBOX_RUNNER" > "$out" 2> "$err"
}
if ! unshare -m --propagation slave mount -o remount,bind,ro / 2> /dev/null; then
	skip 'its capabilities are enough' 'no mount namespace can be had'
	finish; exit
fi
run run --wpk=plain.wpk.yaml --format=json
before=$(jq -r "$weak" "$out")
confined; rc=$?
status 0 'a run with no more than the unit leaves'
ok 'lacks nothing that it has otherwise' test "$(jq -r "$weak" "$out")" = "$before"
ok 'and is cleaned up' test "$(jq -r .cleanup.complete "$out")" = true
left_nothing 'confined'
finish
