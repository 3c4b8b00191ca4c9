#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# steps: k8s and manifest steps on a real cluster: every action and refusal, with packages of our own.
. "$(dirname "${BASH_SOURCE[0]}")/../../cli/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
cluster=(--type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context="$TEST_CONTEXT" --format=json)
on_cluster() { timeout 240 "$SANDBOX_RUNNER" run "${cluster[@]}" "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
# step NUMBER EXPRESSION WHAT: on one step as `s`, its output as `o`
step() { json "(lambda s, o: $2)(d['steps'][$1 - 1], (d['steps'][$1 - 1]['stdout'] or {}).get('text') or '')" "$3"; }
passed="s['mode'] == 'executed' and s['status'] == 'passed'"

cat > "$work/api.yaml" <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {app: api}}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: api, image: "busybox:1.35", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}]
Y
# package NAME PERMISSIONS LIMITS [ROLLBACK]: handlers from standard input
package() {
	cat > "$1.wpk.yaml" <<Y
apiVersion: v1
kind: WorkflowPackage
metadata: {name: $1, version: 1.0.0, description: d, author: a}
spec:
  runtime: {type: k8s}
  safety: {mode: manual}
  handlers:
$(cat)
  rollback: {enabled: $([ -n "${4:-}" ] && echo true || echo false), handlers: [${4:-}]}
  validation: {required_permissions: [$2], resource_limits: {$3}}
Y
}

package actions "deployments/patch, deployments/scale, deployments/get, configmaps/create, configmaps/patch, jobs/create, jobs/delete, pods/log" "max_pods: 10" <<'Y'
    - {name: annotate, type: k8s, timeout: 30s, config: {action: annotate, resource_type: deployment, annotation: {owner: "${WHO}", n: 3}}}
    - {name: get, type: k8s, timeout: 30s, config: {action: get, resource_type: deploy, name: api, field: "metadata.annotations['owner']"}}
    - {name: patch, type: k8s, timeout: 60s, config: {action: patch, resource_type: deployment, patch: {spec: {template: {metadata: {labels: {tier: x}}}}}}}
    - {name: ready, type: k8s, timeout: 60s, config: {action: wait, resource_type: deployment, condition: available}}
    - {name: undo, type: k8s, timeout: 60s, config: {action: rollback, resource_type: deployment, revision: previous}}
    - {name: scale, type: k8s, timeout: 60s, config: {action: scale, selector: {app: api}, resource_type: deployment, replicas: 2}}
    - {name: logs, type: k8s, timeout: 30s, config: {action: logs, selector: "app=api", lines: 5}}
    - name: manifests
      timeout: 60s
      steps:
        - {name: config, kubernetes: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {who: "${WHO}"}}}
        - {name: again, kubernetes: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {who: changed}}}
        - {name: job, kubernetes: {apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "busybox:1.35", command: [sh, -c, "test $(id -u) != 0"]}]}}}}}
    - {name: delete, type: k8s, timeout: 60s, config: {action: delete, resource_type: job, name: j}}
    - {name: metrics, type: k8s, timeout: 30s, config: {action: metrics}}
Y
on_cluster actions.wpk.yaml --fixtures=api.yaml --param WHO=somebody; status 0 "every action"
json 'd["verdict"] == "verified" and all(s["mode"] == "executed" and s["status"] == "passed" for s in d["steps"])' "passes"
step 2 "'somebody' in o" "a field is told"
step 5 "'rolled back to revision 1' in o" "a rollback goes to the revision before"
step 6 "'from 1 to 2' in o" "by a selector"
step 9 "'configmap/c changed' in o" "what is there is changed"
step 10 "'job/j is complete' in o" "a Job is waited for"

package dry "deployments/scale, deployments/patch, deployments/get, jobs/create" "max_pods: 10" <<'Y'
    - {name: scale, type: k8s, timeout: 30s, config: {action: scale, resource_type: deployment, replicas: 2}}
    - {name: get, type: k8s, timeout: 30s, config: {action: get, resource_type: deployment, field: spec.replicas}}
    - {name: restart, type: k8s, timeout: 30s, config: {action: restart, resource_type: deployment}}
Y
on_cluster dry.wpk.yaml --fixtures=api.yaml --dry-run=server; status 0 "dry-run by the server"
step 1 "s['mode'] == 'dry-run' and 'would be scaled from 1 to 2' in o" "is called so"
step 2 "s['mode'] == 'executed' and 'spec.replicas: 1' in o" "looking is executed, and nothing has changed"
step 3 "s['mode'] == 'dry-run' and 'would be restarted' in o" "nor is it waited for"

refused() { package "$1" "$2" "$3" <<< "    - {name: x, type: k8s, timeout: 20s, config: {$4}}"; on_cluster "$1.wpk.yaml" --fixtures=api.yaml; }
refused undeclared "deployments/get" "max_pods: 5" "action: delete, resource_type: deployment"; status 1 "what was not declared"
step 1 "'needs deployments/delete, which required_permissions does not declare' in s['reason']" "is refused by its name"
refused replicas "deployments/scale" "max_replicas: 3" "action: scale, resource_type: deployment, replicas: 4"; status 7 "more replicas than the package allows"
step 1 "s['status'] == 'limit' and s['limit'] == 'max_replicas'" "is refused by the name of the limit"
refused pods "deployments/scale" "max_pods: 3" "action: scale, resource_type: deployment, replicas: 4"; status 7 "more pods"
step 1 "s['limit'] == 'max_pods'" "too"
refused strip "deployments/patch" "max_pods: 5" "action: patch, resource_type: deployment, patch: {spec: {template: {spec: {hostNetwork: true}}}}"; status 1 "a patch that lets go of pods"
step 1 "'shares namespaces with its node' in s['reason']" "is refused, whatever the cluster's admission thinks"

package hostile "pods/create, configmaps/create, namespaces/create" "max_pods: 5" <<'Y'
    - name: m
      timeout: 20s
      steps:
        - {name: elsewhere, kubernetes: {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}}}
Y
on_cluster hostile.wpk.yaml; status 1 "a manifest for another namespace"; step 1 "\"names the namespace 'default'\" in s['reason']" "is refused"
sed 's/kind: ConfigMap, metadata: {name: c, namespace: default}/kind: Namespace, metadata: {name: c}/' hostile.wpk.yaml > wide.wpk.yaml
on_cluster wide.wpk.yaml; status 1 "a manifest for the whole cluster"; step 1 "'belongs to the whole cluster' in s['reason']" "is refused"

package sick "deployments/patch" "max_pods: 10" "{name: back, type: k8s, config: {action: rollback, resource_type: deployment, revision: previous}}" <<'Y'
    - {name: break, type: k8s, timeout: 20s, config: {action: patch, resource_type: deployment, patch: {spec: {template: {spec: {containers: [{name: api, image: "registry.invalid/nothing:1"}]}}}}}}
    - {name: healthy, type: k8s, timeout: 8s, config: {action: wait, resource_type: deployment}}
Y
on_cluster sick.wpk.yaml --fixtures=api.yaml; status 1 "a pod that never becomes ready"
step 2 "s['status'] == 'timed_out' and 'registry.invalid/nothing:1' in s['reason']" "times out, and says why"
step 3 "$passed and 'rolled back to revision 1' in o and 'is ready' in o" "the rollback really undoes it"

package nobody "deployments/patch" "max_pods: 10" <<'Y'
    - {name: restart, type: k8s, timeout: 60s, config: {action: restart, resource_type: deployment, selector: "app=${APP}"}}
    - {name: data, type: k8s, config: {action: patch, resource_type: secret, name: s, data: new_credentials}}
Y
on_cluster nobody.wpk.yaml --param APP=shop; status 0 "without fixtures"
step 1 "$passed and 'deployment/shop restarted' in o" "a stand-in is made and restarted"
step 2 "s['mode'] == 'simulated' and 'new_credentials' in s['reason']" "a name of the package's own world stays simulated"
out_has "stand-in" "the result says that it is one"

printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: a}\n' > bad.yaml
on_cluster nobody.wpk.yaml --param APP=shop --fixtures=bad.yaml; status 3 "fixtures that reach too far"; err_has "bad.yaml:5: Node 'a' belongs to the whole cluster" "are refused with their place"
finish
