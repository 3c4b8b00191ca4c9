#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run: a package on a cluster that is there: what the command line demands, shell and container steps as Jobs, and what is left.
. "$(dirname "${BASH_SOURCE[0]}")/../../cli/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
cluster=(--type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context="$TEST_CONTEXT")
k() { DOCKER_HOST=$KIND_DOCKER_HOST timeout 60 docker exec -i "${TEST_CONTEXT#kind-}-control-plane" kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }
on_cluster() { timeout 200 "$SANDBOX_RUNNER" run "${cluster[@]}" "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }

# what has to be said
wpk one
run run --type=kubernetes --kubeconfig="$TEST_KUBECONFIG" one.wpk.yaml; [ "$rc" = 2 ] || [ "$rc" = 5 ]; result $? "no context (exit $rc)"
cat "$err" >> "$out"; out_has "--context" "it is asked for"
run run --type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context=nowhere one.wpk.yaml; [ "$rc" != 0 ]; result $? "a context that is not there"
cat "$err" >> "$out"; out_has "$TEST_CONTEXT" "those that are there are named"
run run --type=kubernetes --kubeconfig=nothing --context=x one.wpk.yaml; status 5 "no kubeconfig"
sed "s/$TEST_CONTEXT/production-eu/g" "$TEST_KUBECONFIG" > prod.kubeconfig; chmod 600 prod.kubeconfig
run run --type=kubernetes --kubeconfig=prod.kubeconfig --context=production-eu one.wpk.yaml
[ "$rc" != 0 ]; result $? "a context that looks like production is refused (exit $rc)"
cat "$err" >> "$out"; out_has "--yes" "and how to say yes is told"
run run one.wpk.yaml --fixtures=x; status 2 "--fixtures without a cluster"; err_has "--type=kind" "is refused with what to do"

# shell steps
wpk shell - <<'Y'
    - {name: who, type: shell, config: {command: "id -u; pwd; cat given/file; echo made > made; ls"}}
    - {name: walls, type: shell, config: {command: "touch /x 2>&1; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; ls /var/run/secrets 2>&1; true"}}
Y
mkdir given; echo hello-from-outside > given/file
on_cluster shell.wpk.yaml --files=given:given --format=json; status 0 "shell steps"
json 'd["verdict"] == "verified" and [s["mode"] for s in d["steps"]] == ["executed", "executed"] and d["steps"][0]["where"] == "kubernetes"' "are executed there"
json '"hello-from-outside" in d["steps"][0]["stdout"]["text"] and "/work" in d["steps"][0]["stdout"]["text"] and not d["steps"][0]["stdout"]["text"].startswith("0\n")' "in the work folder, with its files, and not as root"
json '"CapEff:\t0000000000000000" in d["steps"][1]["stdout"]["text"] and "NoNewPrivs:\t1" in d["steps"][1]["stdout"]["text"] and "Read-only" in d["steps"][1]["stdout"]["text"]' "behind its walls"
json 'd["cleanup"]["complete"] and any(i["kind"] == "namespace" and i["gone"] for i in d["cleanup"]["items"])' "the namespace is gone, and that is proven"
json 'd["cluster"]["namespace"].startswith("atom-sandbox") and d["cluster"]["acting_as"].startswith("system:serviceaccount:")' "the result says where it was"
wpk failing - <<< '    - {name: no, type: shell, config: {command: "echo to-stderr >&2; exit 41"}}'
on_cluster failing.wpk.yaml --format=json; status 1 "a step that fails"
json '"exit status 41" in d["steps"][0]["reason"]' "with its status"
wpk hog - <<< '    - {name: hog, type: shell, config: {command: "head -c 200000000 /dev/zero | tail"}}'
on_cluster hog.wpk.yaml --memory=32Mi --format=json; status 7 "a step that takes too much memory"
json 'd["steps"][0]["limit"] == "memory"' "is called by its name"
wpk slow - <<'Y'
    - {name: slow, type: shell, timeout: 3s, config: {command: "trap '' TERM; sleep 300"}}
Y
on_cluster slow.wpk.yaml --format=json; status 1 "a step that does not end"; json 'd["steps"][0]["status"] == "timed_out"' "is timed out"

# container steps
cat > box.wpk.yaml <<'Y'
apiVersion: v1
kind: WorkflowPackage
metadata: {name: box, version: 1.0.0, description: d, author: a}
spec:
  runtime: {type: k8s}
  safety: {mode: manual}
  handlers:
    - name: box
      steps:
        - name: busy
          container: {image: "docker.io/library/busybox:1.35", command: ["sh", "-c", "busybox | head -n 1; exit 0"]}
        - name: nowhere
          container: {image: "registry.invalid/nothing:1", command: ["true"]}
Y
on_cluster box.wpk.yaml --format=json; status 1 "an image that cannot be pulled fails its step"
json 'd["steps"][0]["status"] == "passed" and "BusyBox" in d["steps"][0]["stdout"]["text"]' "the other ran in its image"
json '"registry.invalid/nothing" in d["steps"][1]["reason"]' "the reason names the image"

# another runtime for all pods
on_cluster failing.wpk.yaml --runtime-class=nobody-has-this; [ "$rc" = 1 ] || [ "$rc" = 5 ]; result $? "a runtime class that is not there (exit $rc)"
cat "$err" >> "$out"; out_matches "RuntimeClass.*nobody-has-this|nobody-has-this.*not found" "is named"
k apply -f - > /dev/null <<< '{"apiVersion":"node.k8s.io/v1","kind":"RuntimeClass","metadata":{"name":"sandbox-runner-test"},"handler":"runc"}'; result $? "one that is"
on_cluster one.wpk.yaml --runtime-class=sandbox-runner-test; status 0 "runs its pods"
k delete runtimeclass sandbox-runner-test > /dev/null

# two at once, a signal, and nothing is left
"$SANDBOX_RUNNER" run "${cluster[@]}" shell.wpk.yaml --files=given:given > a.out 2>&1 & a=$!
on_cluster shell.wpk.yaml --files=given:given; status 0 "one of two at once"
wait $a; rc=$?; cp a.out "$out"; status 0 "the other"
wpk long - <<< '    - {name: long, type: shell, config: {command: "sleep 300"}}'
start run "${cluster[@]}" long.wpk.yaml --format=ndjson
until_out '"step.start"'; ns=atom-sandbox-$(sed -n 's/.*"run_id":"\([^"]*\)".*/\1/p' "$out" | head -n 1); cp "$out" long.out
for _ in $(seq 300); do k get pods -n "$ns" -o name 2> /dev/null | grep -q atom-step && break; sleep 0.2; done
k get namespace "$ns" -o json > "$out"
json '(lambda m: all(m["labels"]["pod-security.kubernetes.io/" + l] == "restricted" for l in ("enforce", "audit", "warn")) and int(m["annotations"]["sandbox-runner/lease-until"]) > 0)(d["metadata"])' \
	"its namespace asks for restricted pods, and has a lease"
k get resourcequotas,limitranges,networkpolicies,serviceaccounts,roles,pods -n "$ns" -o json > "$out"
json '(lambda k: k("ResourceQuota")[0]["spec"]["hard"]["pods"] and k("LimitRange")[0]["spec"]["limits"][0]["max"]["memory"] and
	[(p["spec"]["podSelector"], sorted(p["spec"]["policyTypes"]), p["spec"].get("ingress"), p["spec"].get("egress")) for p in k("NetworkPolicy")] == [({}, ["Egress", "Ingress"], None, None)])(
	lambda kind: [i for i in d["items"] if i["kind"] == kind])' "a quota, limits, and a policy that lets nothing in or out"
json 'all(i["automountServiceAccountToken"] is False for i in d["items"] if i["kind"] == "ServiceAccount") and len([i for i in d["items"] if i["kind"] == "ServiceAccount"]) == 3' "three accounts, none of which gives its token away"
json '(lambda s: all([not s["automountServiceAccountToken"], s["serviceAccountName"] == "atom-step", s["securityContext"]["runAsNonRoot"], s["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault",
	s["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False, "privileged": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534,
	"capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}, s["containers"][0]["resources"]["limits"]["memory"]]))([i for i in d["items"] if i["kind"] == "Pod"][0]["spec"])' \
	"the pod of its command has all the hardening, and limits"
cp long.out "$out"; kill -TERM "$pid"; wait "$pid"; rc=$?; status 143 "stopped by a signal"
run gc; status 0 "gc"; out_is "nothing to clean up" "has nothing to do"
until_nothing_left "nothing is left here"
finish
