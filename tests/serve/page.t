#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The page in a real browser: what it shows of real runs, by keyboard, read aloud, light and dark, wide and narrow, and of hostile texts.
command -v chromium > /dev/null || { echo 'chromium is not installed'; exit 77; }
. "$(dirname "$0")/lib.sh"

wpk ticking - <<'Y'
    - name: ticking
      type: shell
      config:
        command: |
          for i in $(seq 1 ${TICKS:-12}); do echo "tick $i of ${WORD:-nobody}"; sleep 0.5; done
Y
cat > hostile.wpk.yaml <<'Y'
apiVersion: v1
kind: WorkflowPackage
metadata:
  name: hostile
  version: 1.0.0
  description: "<script>alert(1)</script> \"quotes\" 'single' \u202Eevil\u202C <img src=x onerror=alert(2)>"
  author: "<b>x</b>"
spec:
  runtime: {type: shell}
  safety: {mode: manual}
  handlers:
    - name: "<script>alert('h')</script>"
      type: shell
      config:
        command: |
          echo '<script>window.pwned=1;document.title="pwned"</script><img src=x onerror=alert(1)>'
          printf '\342\200\256 reversed \342\200\254 \033[31mred\033[0m \033]0;pwned\007 "quotes" \047single\047 \010\n'
          seq 1 10000
          echo '</pre><script>alert(3)</script>' >&2
          echo x > '<img src=x onerror=alert(4)>.txt'
    - name: breaks
      type: shell
      config: {command: "echo before; chmod 777 /etc; exit 3"}
    - name: after
      type: shell
      config: {command: "echo never"}
Y

submit() { http POST '/v1/runs?wait=60s' -F "file=@$1"; body .run_id; }
serve_start || { finish; exit; }
http POST /workflows -F "file=@ticking.wpk.yaml"; workflow=$(body .workflow_id)
verified=$(submit "$repo/wpk-examples/backup-verify.wpk.yaml")
partial=$(submit "$repo/wpk-examples/release-gate.wpk.yaml")
hostile=$(submit hostile.wpk.yaml)
base=$BASE first=$SERVE_PID
trap 'kill "$first" 2> /dev/null; wait "$first" 2> /dev/null; serve_end' EXIT

"$SANDBOX_RUNNER" token page --scope=read,dry-run > token.out 2> token.err
grep -hoE 'srt_[A-Za-z0-9_-]+' token.out token.err | head -n 1 > token.text
grep -hE '^page[[:space:]]' token.out token.err | head -n 1 > tokens; chmod 600 tokens
SERVE_DATA=$work/secured; mkdir -p "$SERVE_DATA"
serve_start --tokens="$work/tokens" || { finish; exit; }
python3 "$here/page_check.py" "$base" "$work" "$(jq -n --arg verified "$verified" --arg partial "$partial" --arg hostile "$hostile" --arg workflow "$workflow" --arg secured "$BASE" \
	--arg token "$(cat token.text)" --rawfile package ticking.wpk.yaml '{$verified, $partial, $hostile, $workflow, $secured, $token, $package}')"
exit
