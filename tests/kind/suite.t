#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# suite: all that needs a cluster but not one of its own: one is made, the parts in parts/*.sh run against it with --type=kubernetes, and
# when they have ended those in after/*.sh, one by one.
# SUITE_PART=steps runs one of them; with TEST_KUBECONFIG and TEST_CONTEXT set they use that cluster instead.
. "$(dirname "$0")/lib.sh"
here=$repo/tests/kind
if [ -z "${TEST_KUBECONFIG:-}" ]; then
	docker_start || skip_all "dockerd does not start here"
	cluster_start suite; result $? "kind makes a cluster" || { finish; exit; }
fi
export SANDBOX_RUNNER TEST_KUBECONFIG TEST_CONTEXT
unset SANDBOX_RUNNER_STATE_DIR SANDBOX_RUNNER_TEST_TIME
export KIND_DOCKER_HOST=$DOCKER_HOST
parts=() others=()
begin() {
	name=$(basename "$1" .sh) parts+=("$name")
	{ timeout 800 bash "$1" > "$work/$name.out" 2> "$work/$name.err"; echo $? > "$work/$name.rc"; } &
	others+=($!)
}
for part in "$here"/parts/${SUITE_PART:-*}.sh; do [ -f "$part" ] && begin "$part"; done	# at the same time: mostly they wait for the cluster
wait "${others[@]}"
for part in "$here"/after/${SUITE_PART:-*}.sh; do [ -f "$part" ] && begin "$part" && wait $!; done
for name in "${parts[@]}"; do
	rc=$(cat "$work/$name.rc")
	plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$work/$name.out" | tail -n 1)
	done=0
	while IFS= read -r line; do
		case $line in
		"ok "*) done=$((done + 1)) tests=$((tests + 1)); echo "ok $tests - $name: ${line#* - }" ;;
		"not ok "*) done=$((done + 1)) tests=$((tests + 1)); echo "not ok $tests - $name: ${line#* - }" ;;
		"#"*) echo "$line" ;;
		esac
	done < "$work/$name.out"
	[ "$rc" -le 1 ] && [ "$done" = "${plan:-none}" ] && [ "$done" -gt 0 ]
	result $? "$name: ran to its end (exit $rc, planned ${plan:-nothing}, ran $done)" || tail -n 5 "$work/$name.err" | sed 's/^/# /'
done
finish
