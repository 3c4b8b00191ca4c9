#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What validate and plan say about the packages of tests/fixtures/packages, word for word: NAME.validate and NAME.plan (stdout, stderr, exit
# status). After an intended change: UPDATE=1 make test T=cli/golden, and read the difference.
. "$(dirname "$0")/lib.sh"
cd "$repo/tests/fixtures/packages" || exit 2

for package in *.wpk.yaml; do
	name=${package%.wpk.yaml}
	for command in validate plan; do
		run $command "$package"
		{ cat "$out"; echo "--- stderr"; cat "$err"; echo "--- exit $rc"; } > "$work/now"
		[ -n "${UPDATE:-}" ] && cp "$work/now" "$name.$command"
		diff -u "$name.$command" "$work/now" > "$work/difference" 2>&1
		result $? "$command $package says what it always said" || sed 's/^/# /' "$work/difference"
		run $command --format=json "$package"; was=$rc
		python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$out" && grep -q -- "--- exit $was\$" "$name.$command"
		result $? "$command --format=json $package: JSON, and the same exit status"
	done
done
left_nothing "golden"
finish
