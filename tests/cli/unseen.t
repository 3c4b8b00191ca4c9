#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# unseen: techniques and phrasings that the rules were not written from, found once by somebody who played the author of another corpus, stay found;
# and what only looks like them stays no alarm (tests/fixtures/scan-unseen). Nothing of a case is ever run.
. "$(dirname "$0")/lib.sh"
command -v python3 > /dev/null || { echo "the cases are replayed in python3, which is not installed"; exit 77; }
mkdir cases
python3 "$repo/tests/cli/unseen.py" "$repo/tests/fixtures/scan-unseen" cases; rc=$?
exit "$rc"
