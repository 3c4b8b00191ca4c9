#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The service and its own description: both ways.
. "$(dirname "$0")/lib.sh"
python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2> /dev/null || { echo "python3-jsonschema is not installed"; exit 77; }
serve_start --exec-pool=1 || exit 1
python3 -B "$here/openapi_check.py" "$BASE"
