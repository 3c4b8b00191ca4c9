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

# What they look like, word for word: tests/fixtures/scan/expected.FORM. After an intended change: UPDATE=1 make test T=cli/formats, and read the difference.
cd "$repo/tests/fixtures/scan" || exit 2
for format in text json sarif junit github gitlab markdown; do
	run scan --rules=rules --format=$format words.wpk.yaml wrong.wpk.yaml; status 3 "$format: one is invalid"
	sed -E 's/[0-9a-f]{64}"(\}|,?$)/DIGEST"\1/g; s/(Rules <code>)[0-9a-f]{12}/\1DIGEST/; s/("(semanticV|v)ersion": ?)"0\.[0-9.]+"/\1"VERSION"/g' "$out" > "$work/now"
	[ -n "${UPDATE:-}" ] && cp "$work/now" "expected.$format"
	diff -u "expected.$format" "$work/now" > "$work/difference" 2>&1
	result $? "$format: as expected" || sed 's/^/# /' "$work/difference"
done
cd "$work" || exit 2
finish
