#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs under /v1, over a socket: made in every way, listed, waited for, cancelled, and what they left.
. "$(dirname "$0")/lib.sh"
package=$repo/wpk-examples/backup-verify.wpk.yaml
: > "$out"; : > "$err"
said() { [ "$STATUS" = "$1" ] || { echo "# $STATUS: $(head -c 500 "$BODY")"; result 1 "$2"; return; }; result 0 "$2"; }	# status, what
value() { [ "$(body "$1")" = "$2" ] || { echo "# $1 is '$(body "$1")'"; result 1 "$3"; return; }; result 0 "$3"; }
header() { grep -qiE "^$1: $2" "$HEADERS"; result $? "$3"; }
cat > slow.wpk.yaml <<'END'
apiVersion: v1
kind: WorkflowPackage
metadata: {name: slow, version: 1.0.0, description: sleeps, author: a}
spec:
  runtime: {type: shell}
  safety: {mode: auto}
  handlers:
    - {name: nap, type: shell, config: {command: 'echo begin; sleep 300; echo end'}}
END

serve_start --allow-override || { finish; exit; }
http POST '/v1/runs?wait=60s' -F "file=@$package" -F 'parameters={"TABLES": 3}' -F timeout=1m -F profile=standard
said 200 'a form, waited for'; value .verdict verified 'it was executed'; value .state ended 'and has ended'
value .workflow_id backup-verify-1.0.0 'its package is known'; value .origin v1 'where it came from'; value .summary.cleanup_complete true 'nothing is left of it'
id=$(body .run_id)
header Location "/v1/runs/$id" 'where it is'
jq -n --rawfile p "$package" '{package: $p, type: "container", timeout: 60}' > order.json
http POST '/v1/runs?wait=60s' -H 'Content-Type: application/json' --data-binary @order.json
said 200 'a JSON object'; value .verdict verified 'verified, too'
http POST '/v1/runs?wait=60s&profile=restrictive' -H 'Content-Type: application/yaml' --data-binary "@$package"
said 200 'the package itself'; value .verdict verified 'verified as well'; raw=$(body .run_id)
tar -czf bundle.wpk.tar.gz -C "$(dirname "$package")" "$(basename "$package")"
http POST '/v1/runs?wait=60s' -F 'file=@bundle.wpk.tar.gz;filename=innocent.yaml'
said 200 'a bundle, whatever it is called'; value .verdict verified 'is unpacked and runs'
bundle=$(body .run_id)
http GET "/v1/runs/$bundle/package"; said 200 'a bundle comes back'; header Content-Disposition 'attachment; filename="backup-verify-1.0.0.wpk.tar.gz"' 'as a download'
ok 'byte for byte' cmp "$BODY" bundle.wpk.tar.gz
http POST /v1/runs -H 'Content-Type: application/yaml' --data-binary "@$package"
said 202 'without waiting'; value .duration_ms null 'it has no end yet'
http GET "/v1/runs/$(body .run_id)?wait=60s"; said 200 'the end can be waited for afterwards'; value .state ended 'and comes'
http POST '/v1/runs?wait=60s' -H 'Content-Type: application/yaml' --data-binary 'a: ['
said 200 'what is no package'; value .verdict invalid 'ends as invalid'; http GET "/v1/runs/$(body .run_id)/report?format=text"; grep -q 'package.wpk.yaml:1:5: ' "$BODY"; result $? 'with the place in its report'
sed "s/command: .*/command: 'rm -rf --no-preserve-root \/'}}/" slow.wpk.yaml > evil.wpk.yaml
http POST '/v1/runs?wait=60s' -F file=@evil.wpk.yaml
said 200 'what the policy blocks'; value .verdict refused 'is refused'
http POST '/v1/runs?wait=60s' -F file=@evil.wpk.yaml -F 'override=a test of overrides'
said 200 'unless it is overridden'; [ "$(body .verdict)" != refused ]; result $? 'then it runs'
http GET "/v1/runs/$(body .run_id)/result"; jq -e '.decision.override' "$BODY" > /dev/null; result $? 'and says so'

http POST /v1/runs -H 'Content-Type: application/json' -d '{"package": "x", "typ": "vm", "timeout": "soon"}'
said 400 'what is wrong'; value '.errors | length' 2 'is told at once'; value '.errors[0].pointer' /typ 'with where it stands'; value '.detail | type' string 'and in a sentence'
http POST /v1/runs -d x; said 415 'a type that nobody meant'
http POST /v1/runs -H 'Content-Type: application/json' -d '{"workflow_id": "unknown-1.0.0"}'; said 400 'a package that is not registered'

http GET "/v1/runs/$id/result"; said 200 'its result'; value .verdict verified 'is that of the run'; value .run_id "$id" 'of this one'; value .profile standard 'with the limits asked for'
jq -e '.parameters[] | select(.name == "TABLES") | .value == "3"' "$BODY" > /dev/null; result $? 'and the parameters'
http GET "/v1/runs/$id/package"; said 200 'its package'; ok 'is what was sent' cmp "$BODY" "$package"
header Content-Type 'text/plain; charset=utf-8' 'as plain text'; header X-Content-Type-Options nosniff 'and nothing else'
for format in text:'text/plain' sarif:'application/sarif\+json' junit:application/xml gitlab:application/json github:text/plain markdown:text/markdown json:application/json; do
	http GET "/v1/runs/$id/report?format=${format%%:*}"; said 200 "report: ${format%%:*}"; header Content-Type "${format#*:}" 'its type'
done
http GET "/v1/runs/$id/report?format=text"; grep -q '^backup-verify-1.0.0: verified' "$BODY"; result $? 'for people'
http GET "/v1/runs/$id/artifacts"; said 200 'artifacts'; [ "$(body .total)" -gt 5 ]; result $? 'what steps made'
path=$(body '.artifacts[] | select(.path | endswith("SHA256SUMS")) | .path' | head -n 1); sum=$(jq -r --arg p "$path" '.artifacts[] | select(.path == $p) | .sha256' "$BODY")
http GET "/v1/runs/$id/artifacts/file?path=$path"; said 200 'one of them'; ok 'has the digest of the list' test "$(sha256sum < "$BODY" | cut -d ' ' -f 1)" = "$sum"
header Content-Disposition attachment 'as a download'; header Content-Type application/octet-stream 'of bytes'
for path in ../artifacts.json ../../result.json /etc/passwd .. '' a/../b '%2e%2e/artifacts.json' files; do
	http GET "/v1/runs/$id/artifacts/file?path=$path"; [ "$STATUS" = 404 ] || [ "$STATUS" = 400 ]; result $? "no path out: '$path'"
done
for bad in .. %2e%2e a%2fb .x; do
	http GET "/v1/runs/$bad/result" --path-as-is; [ "$STATUS" = 400 ] || [ "$STATUS" = 404 ]; result $? "no id: '$bad'"
done

http GET '/v1/runs?limit=2'; said 200 'a list'; value '.runs | length' 2 'in pages'; first=$(body '.runs[1].run_id')
next=$(sed -n 's/^[Ll]ink: <\([^>]*\)>; rel="next".*/\1/p' "$HEADERS")
http GET "$next"; said 200 'the next page'; [ "$(body '.runs[0].run_id')" != "$first" ]; result $? 'begins behind the first'
total=$(body .total)
http GET '/v1/runs?limit=500'; value '.runs | length' "$total" 'all of them are what was counted'; grep -qi '^link:' "$HEADERS"; [ $? = 1 ]; result $? 'the last page names no other'
http GET '/v1/runs?verdict=refused&state=ended&origin=v1'; value .total 1 'filters'
http GET '/v1/runs?workflow=backup-verify-1.0.0'; [ "$(body .total)" -ge 5 ]; result $? 'by workflow'

http POST /v1/runs -F file=@slow.wpk.yaml; said 202 'a long one'; slow=$(body .run_id)
for _ in $(seq 600); do http GET "/v1/runs/$slow/logs"; grep -q begin "$BODY" && break; sleep 0.1; done
grep -q begin "$BODY"; result $? 'says something'
http GET "/v1/runs/$slow/result"; said 409 'it has no result yet'
http POST "/v1/runs/$slow/cancel"; said 202 'it is cancelled'
http GET "/v1/runs/$slow?wait=60s"; value .verdict cancelled 'and ends so'; value .summary.cleanup_complete true 'cleaned up'
http POST "/v1/runs/$slow/cancel"; said 200 'twice is no mistake'
http DELETE "/v1/runs/$slow"; said 204 'its files can be removed'; ok 'and are' test ! -e "$SERVE_DATA/data/runs/$slow"
http GET "/v1/runs/$slow/logs"; said 410 'they are gone'; http GET "/v1/runs/$slow"; value .files false 'the record stays'

http GET '/v1/stats'; said 200 'statistics'; jq -e '.workflows[] | select(.workflow_id == "backup-verify-1.0.0") | .success_rate == 1 and .duration_ms.p95 > 0 and '"$(memory_peak .memory_peak_bytes.max)" "$BODY" > /dev/null; result $? 'of each workflow'
http GET '/v1/audit?limit=500'; said 200 'the audit log'; jq -e --arg id "$raw" '[.records[] | select(.workflow_run_id == $id)] | length >= 1' "$BODY" > /dev/null; result $? 'has the run'
http HEAD "/v1/runs/$id" -I; said 200 'HEAD'
serve_stop
finish
