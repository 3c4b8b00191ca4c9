#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# plan: order, mode and place of steps, what is needed; nothing runs and nothing is made.
. "$(dirname "$0")/lib.sh"
wpk mixed - <<'YAML'
    - {name: first, type: shell, config: {command: "touch /tmp/ran; echo ${WHO} ${HOW:-well}"}, timeout: 30s, retry: {max_attempts: 2, backoff: 1s}}
    - {name: second, type: api, config: {url: "https://example.org/${ID}", method: POST}}
    - name: third
      steps:
        - {name: a, shell: {command: "true"}}
        - {name: b, container: {image: "busybox:1.36", command: ["true"], resources: {limits: {cpu: "1", memory: 64Mi}}}}
YAML

run plan mixed.wpk.yaml; status 0 "plan"
out_matches '1\. first +\[shell\]' "the first step with its kind"
out_matches '2\. second +\[api\] simulated' "the second would be simulated"
out_matches '4\. third / b +\[container\]' "the last"
out_has "https://example.org/" "what a step would do"
out_matches 'WHO .*NOT SET' "an unset parameter of an executed step"
out_matches 'HOW = well' "a default"
out_matches 'ID .*not set' "an unset parameter of a simulated one"
ok "nothing has run" test ! -e /tmp/ran

run plan --param WHO=me --param-secret ID=env:THE_ID mixed.wpk.yaml; status 2 "a secret from a variable that is not there"
err_has "THE_ID" "is named"
export THE_ID=geheim-4711
run plan --param WHO=me --param-secret ID=env:THE_ID mixed.wpk.yaml; status 0 "parameters"
out_matches 'WHO = me' "are shown"
out_lacks "geheim-4711" "secrets are not"

run plan --format=json --profile=restrictive mixed.wpk.yaml; status 0 "plan as JSON"
json '[s["mode"] for s in d["plans"][0]["plan"]["steps"]] == ["executed", "simulated", "executed", "simulated"]' "modes in order"
json 'all(s["reason"] for s in d["plans"][0]["plan"]["steps"] if s["mode"] == "simulated")' "each simulated step says why"
json '[p["name"] for p in d["plans"][0]["plan"]["parameters"] if p["blocking"]] == ["WHO"]' "blocking parameters"
json 'd["plans"][0]["plan"]["profile"] == "restrictive" and d["plans"][0]["valid"] and [f["rule_id"] for f in d["plans"][0]["findings"]] == ["api/upload-outside"]' "profile and findings"

wpk bad - <<< '    - {name: a, type: ftp, config: {command: "x"}}'
run plan mixed.wpk.yaml bad.wpk.yaml; status 3 "a good and a bad package"
out_has "first" "the good one is planned"
err_matches 'bad.wpk.yaml:12:[0-9]+: error' "the bad one explained on stderr"
run plan --format=json bad.wpk.yaml; status 3 "a bad package as JSON"
json 'd["plans"][0]["plan"] is None and not d["plans"][0]["valid"] and len(d["plans"][0]["findings"]) > 0' "with its findings"
run plan --type=kind mixed.wpk.yaml; status 5 "a type that this version has not"
err_has "kind" "is named"
SANDBOX_RUNNER_STATE_DIR=/nonexistent/state HOME=/nonexistent run plan mixed.wpk.yaml; status 0 "needs no state folder"
left_nothing "plan"
finish
