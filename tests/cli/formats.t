#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every form of a scan report, read by real parsers: hostile names and texts, none at all, more than any form may list. One verdict in all.
. "$(dirname "$0")/lib.sh"
mkdir forms
SCAN_REPORT_DIR=$work/forms "$repo/${BUILD:-build/gcc}/unit/validators/scan_report_test" > "$out" 2> "$err"; rc=$?
status 0 "the reports are written"
"$SANDBOX_RUNNER" schema scan > "$work/scan.schema.json"
python3 "$repo/tests/cli/formats.py" "$work/forms" "$work/scan.schema.json" > "$work/tap" 2> "$err"; rc=$?
while IFS= read -r line; do
	case $line in
	"ok - "*) tests=$((tests + 1)); echo "ok $tests - ${line#ok - }" ;;
	*) tests=$((tests + 1)); echo "not ok $tests - ${line#not ok - }" ;;
	esac
done < "$work/tap"
status 0 "all were read"
if command -v jq > /dev/null; then
	ok "jq reads what is JSON" sh -c "cat forms/*.json forms/*.sarif forms/*.gitlab | jq -e . "
else
	skip "jq reads what is JSON" "no jq"
fi
finish
