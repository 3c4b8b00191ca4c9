#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Health and metrics: what the server says of itself, a real Prometheus that reads it, the alerts and the dashboard that are made of it.
. "$(dirname "$0")/lib.sh"
prometheus_pid=
end() { [ -z "$prometheus_pid" ] || { kill "$prometheus_pid"; wait "$prometheus_pid"; } 2> /dev/null; serve_end; }
trap end EXIT

metric() { awk -v s="$1" 'substr($0, 1, length(s) + 1) == s " " { print substr($0, length(s) + 2); exit }' "$work/metrics"; }
: > "$out"; : > "$err"
scrape() { http GET /metrics "$@"; cp "$BODY" "$work/metrics"; }
metric_is() { local got; got=$(metric "$1"); [ "$got" = "$2" ]; result $? "$1 is $2" || echo "# it is '$got'"; }
start_run() { http POST "/v1/runs?wait=60s" -H 'Content-Type: application/yaml' --data-binary @"$1"; }

serve_start --compatible-metrics || { finish; exit; }

# ---- health
for path in /healthz /livez /readyz; do http GET $path; ok "$path" test "$STATUS" = 200; done
ok '/readyz says so' test "$(body .status)" = ready
http GET /health
ok '/health as clients of the registry and the agent know it' test "$STATUS $(body '[.status, .active_executions, (.timestamp | test("^[0-9]{4}-.*Z$"))] | join(" ")')" = '200 healthy 0 true'
http HEAD /healthz --head; ok 'HEAD, too' test "$STATUS" = 200

# ---- metrics
scrape
ok 'text for who asks for nothing' grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8' "$HEADERS"
metric_is 'sandbox_runner_runs_total{sandbox="container",verdict="verified"}' 0
metric_is sandbox_runner_leaked_resources 0
metric_is sandbox_runner_queue_capacity 256
metric_is 'sandbox_runner_http_requests_total{method="GET",route="get_readyz",code="200"}' 1
scrape -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5'
ok 'OpenMetrics for who prefers it' grep -qi '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$HEADERS"
ok 'which ends in # EOF' test "$(tail -n 1 "$work/metrics")" = '# EOF'
for i in 1 2 3; do http GET "/nothing/$i"; done
scrape
ok 'unknown paths make no series' test "$(grep -c '^sandbox_runner_http_requests_total.*code="404"' "$work/metrics")" -le 1

# ---- what runs do to them
wpk good; start_run good.wpk.yaml
ok 'a run' test "$STATUS $(body .verdict)" = '200 verified' || sed 's/^/# /' "$BODY"
wpk bad - <<'YAML'
    - {name: hello, type: shell, config: {command: "exit 7"}}
YAML
start_run bad.wpk.yaml
ok 'one that fails' test "$(body .verdict)" = failed
wpk curious - <<'YAML'
    - {name: look, type: shell, config: {command: "echo 'import ctypes; print(ctypes.CDLL(None).setns(0, 0))' | python3 -"}}
YAML
command -v python3 > /dev/null && start_run curious.wpk.yaml
scrape
metric_is 'sandbox_runner_runs_total{sandbox="container",verdict="verified"}' 1
metric_is 'sandbox_runner_steps_total{type="shell",status="passed"}' 2
metric_is 'sandbox_runner_errors_total{kind="step_failed"}' 1
enforced observation && metric_is 'sandbox_runner_errors_total{kind="security"}' 1
enforced observation && metric_is 'sandbox_runner_escape_signals_total{kind="call"}' 1
metric_is 'sandbox_runner_cleanup_total{result="complete"}' 3
metric_is 'sandbox_runner_cleanup_total{result="incomplete"}' 0
metric_is 'sandbox_runner_run_duration_seconds_count{sandbox="container"}' 3
metric_is 'sandbox_runner_provision_duration_seconds_count{sandbox="container"}' 3
metric_is sandbox_runner_active_runs 0
metric_is sandbox_runner_leaked_resources 0
metric_is 'workflow_runs_total{workflow_name="good",status="completed"}' 1
metric_is 'workflow_failure_total{workflow_name="bad",error_type="step_failed"}' 1
ok 'no series has an id, a path or a name of the package, but the compatible set' test -z "$(grep -v '^#\|^workflow_' "$work/metrics" | grep -e 'good' -e 'r-[a-z2-7]\{26\}' -e "$work")"

rules=$repo/scripts/prometheus/sandbox_runner.rules.yaml
ok 'all that dashboard and alerts name is there, and the dashboard is one' \
	python3 "$here/check_dashboard.py" "$repo/scripts/grafana/sandbox_runner.json" "$rules" "$work/metrics" ||
	python3 "$here/check_dashboard.py" "$repo/scripts/grafana/sandbox_runner.json" "$rules" "$work/metrics" | sed 's/^/# /'

# ---- a real Prometheus
if ! command -v promtool > /dev/null || ! command -v prometheus > /dev/null; then
	skip 'Prometheus reads it' 'Debian package prometheus is not installed'
	finish; exit
fi
ok 'promtool has nothing to say against the text' sh -c 'promtool check metrics < "$1"' sh "$work/metrics"
ok 'the rules are rules' promtool check rules "$rules"
ok 'each alert fires when it must, and only then' promtool test rules "$here/alerts_test.yaml"
mkdir "$work/prometheus"
cp "$rules" "$work/prometheus/"
sed "s/127\.0\.0\.1:8000/${BASE#http://}/; s/interval: 15s/interval: 1s/" "$repo/scripts/prometheus/prometheus.yml" > "$work/prometheus/prometheus.yml"
ok 'the example is a configuration' promtool check config "$work/prometheus/prometheus.yml"
start_prometheus() {	# on a port that was free a moment ago
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	prometheus --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/prometheus/data" --web.listen-address="127.0.0.1:$port" \
		--log.level=warn > "$work/prometheus/log" 2>&1 &
	prometheus_pid=$!
	for _ in $(seq 120); do
		curl -sf --max-time 5 "http://127.0.0.1:$port/-/ready" > /dev/null && return 0
		kill -0 "$prometheus_pid" 2> /dev/null || break
		sleep 0.25
	done
	return 1
}
# ask QUERY: the value of its only answer
ask() { curl -sS --max-time 10 -G "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1" | jq -r 'if .data.result | length == 1 then .data.result[0].value[1] else empty end'; }
until_asked() { local i; for i in $(seq 240); do [ "$(ask "$1")" = "$2" ] && return 0; sleep 0.25; done; echo "# $1: $(ask "$1")"; return 1; }
start_prometheus || start_prometheus || { sed 's/^/# /' "$work/prometheus/log"; ok 'Prometheus starts' false; finish; exit; }
until_asked 'up{job="sandbox_runner"}' 1; result $? 'Prometheus reads the server'
until_asked 'sandbox_runner_runs_total{sandbox="container",verdict="verified"}' 1; result $? 'and knows of the run'
until_asked 'count(sandbox_runner_build_info)' 1; result $? 'and which build it is'
until_asked 'sum(sandbox_runner_run_duration_seconds_bucket{le="+Inf"})' 3; result $? 'and its histograms'
wpk another; start_run another.wpk.yaml
until_asked 'sandbox_runner_runs_total{sandbox="container",verdict="verified"}' 2; result $? 'and of the next one'
ok 'it is evaluating all rules without trouble' sh -c 'curl -sS "http://127.0.0.1:$1/api/v1/rules" | jq -e "[.data.groups[].rules[]] | length == 16 and all(.[]; (.lastError // \"\") == \"\")"' sh "$port"
ok 'no alert but those of the curious run' sh -c 'curl -sS "http://127.0.0.1:$1/api/v1/alerts" | jq -e "[.data.alerts[].labels.alertname] - [\"SandboxRunnerEscapeAttempt\", \"SandboxRunnerHighErrorRate\"] == []"' sh "$port"
serve_stop
until_asked 'up{job="sandbox_runner"}' 0; result $? 'that it has ended is seen'
finish
