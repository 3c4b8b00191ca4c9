#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# doctor: measured, not guessed; says what to do; leaves nothing.
. "$(dirname "$0")/lib.sh"
run doctor; status 0 "doctor"
# each library that is loaded at first use; GnuTLS comes with libmicrohttpd, and the GnuTLS flavour of curl stands in for the other
sonames=$(sed -n 's/.*library_load("\([^"]*\)".*/\1/p' "$repo"/runner/base/*.c "$repo"/cmd/serve/*.c | grep -v gnutls)
ok "libraries are loaded at first use" test -n "$sonames"
for l in $sonames; do out_matches "^  (ok|missing) +${l//./\\.} +" "library $l"; done
for section in Host Sandboxes Controls Libraries "Other programs"; do out_matches "^$section" "section $section"; done
for c in memory pids network seccomp capabilities no_new_privs read_only_root user_namespace; do out_matches "^  (enforced|degraded|unavailable|not_requested) +$c " "control $c"; done
out_matches '^The built-in jail works' "the verdict"
run doctor --format=json; status 0 "as JSON"
json 'd["works"] and len(d["controls"]) >= 25 and d["sandboxes"][0]["runtime"] == "native"' "with everything"
json 'all(c["mechanism"] for c in d["controls"] if c["state"] == "enforced")' "each enforced control names its mechanism"
json 'all(c["detail"] for c in d["controls"] if c["state"] in ("degraded", "unavailable"))' "each weaker one says why"
json 'd["fully_enforced"] == all(c["state"] in ("enforced", "not_requested") for c in d["controls"])' "fully_enforced is what the rows say"
left_nothing "doctor"

# a host on which no further user namespace may be made
if unshare -Ur true 2> /dev/null; then
	unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' - "$SANDBOX_RUNNER" doctor > "$out" 2> "$err"; rc=$?
	status 5 "no user namespaces"
	out_matches 'degraded +user_namespaces .*forbidden' "the host row says so"
	out_has "sysctl user.max_user_namespaces" "and what to set"
	out_matches '^The built-in jail cannot be provided: ' "the verdict"
	wpk good
	unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' - "$SANDBOX_RUNNER" --wpk=good.wpk.yaml > "$out" 2> "$err"; rc=$?
	status 5 "a run there"
	left_nothing "no user namespaces"
else
	skip "no user namespaces" "unshare -Ur does not work here"
fi
if in_mount_namespace true; then
	in_mount_namespace sh -c 'mount -t tmpfs none /sys/fs/cgroup; exec "$@"' - "$SANDBOX_RUNNER" doctor > "$out" 2> "$err"; rc=$?
	status 0 "no cgroups"
	out_matches '^  (degraded|unavailable) +memory ' "memory is not said to be enforced"
	out_matches '^The built-in jail works; [0-9]+ of [0-9]+ controls' "the verdict counts"
else
	skip "no cgroups" "needs a mount namespace"
fi
run doctor --state-dir=/proc/nowhere; status 5 "a state folder that cannot be made"
out_has "/proc/nowhere" "is named"
# the table of the README
run doctor --format=matrix; status 0 "doctor --format=matrix"
out_matches '^[|] control [|] native [|]' "has a column for each runtime that works here"
out_matches '^[|] seccomp [|] yes [|]' "and a row for each control"
out_has "- docker cannot be had here: there is no docker at" "and says why others do not"
left_nothing "doctor --format=matrix"
finish
