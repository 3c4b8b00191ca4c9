#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# server: what nobody else can use the cluster for meanwhile: its API server is killed under a run, and runners have clocks that are wrong.
. "$(dirname "${BASH_SOURCE[0]}")/../../cli/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
export DOCKER_HOST=${KIND_DOCKER_HOST:-}
node=${TEST_CONTEXT#kind-}-control-plane
cluster=(--type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context="$TEST_CONTEXT")
namespaces() { timeout 60 docker exec "$node" kubectl --kubeconfig=/etc/kubernetes/admin.conf get namespaces -o name; }
servers() { timeout 20 docker exec "$node" sh -c 'for f in /proc/[0-9]*/comm; do read -r name < $f; [ "$name" = kube-apiserver ] && echo ${f%/comm}; done' 2> /dev/null | sed 's|/proc/||'; }
until_up() { local i; for i in $(seq 600); do namespaces > /dev/null 2>&1 && return; sleep 0.2; done; return 1; }

# frozen, and years ahead or behind: what ends a step or a wait is a clock that nobody sets
wpk clock - <<'Y'
    - {name: quick, type: shell, config: {command: "echo ran"}}
    - {name: slow, type: shell, timeout: 3s, config: {command: "sleep 300"}}
Y
for when in 1000000000 4102444800; do
	SANDBOX_RUNNER_TEST_TIME=$when timeout 200 "$SANDBOX_RUNNER" run "${cluster[@]}" --format=json clock.wpk.yaml > "$out" 2> "$err" < /dev/null; rc=$?
	status 1 "a clock that stands still in $(date -u -d @$when +%Y)"
	json 'd["steps"][0]["status"] == "passed" and d["steps"][1]["status"] == "timed_out" and d["cleanup"]["complete"]' "a step is timed out all the same, and the namespace removed"
done

# the server goes away while a watch and a log are open, and comes back
wpk long - <<< '    - {name: long, type: shell, timeout: 300s, config: {command: "echo at\"\"-it; sleep 20; echo went-on"}}'
start run "${cluster[@]}" long.wpk.yaml --format=ndjson
for _ in $(seq 600); do grep -q at-it "$out" && break; sleep 0.1; done
id=$(sed -n 's/.*"run_id":"\([^"]*\)".*/\1/p' "$out" | head -n 1)
before=$(servers)
timeout 20 docker exec "$node" kill -KILL $before; result $? "the API server is killed while a step runs"
for _ in $(seq 1500); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
! kill -0 "$pid" 2> /dev/null; result $? "the run ends" || kill -KILL "$pid"
wait "$pid"; rc=$?; [ "$rc" = 0 ] || [ "$rc" = 1 ] || [ "$rc" = 5 ] || [ "$rc" = 8 ]; result $? "by itself (exit $rc)"
until_up; result $? "there is a server again"
[ -n "$(servers)" ] && [ "$(servers)" != "$before" ]; result $? "another one"
if [ "$rc" = 0 ]; then out_has "went-on" "the step was seen to its end"
else cat "$err" >> "$out"; out_matches "cannot connect|answer|refused|server" "what went wrong is told"; fi
run gc; status 0 "gc"
! namespaces | grep -qF "$id"; result $? "its namespace is gone"
left_nothing "and"
finish
