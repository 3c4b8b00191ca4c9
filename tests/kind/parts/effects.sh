#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# effects: what became of objects, step by step and of the run; Secret values seen to change and never seen; what is wrong told and collected.
. "$(dirname "${BASH_SOURCE[0]}")/../../cli/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
cluster=(--type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context="$TEST_CONTEXT")
on_cluster() { timeout 250 "$SANDBOX_RUNNER" run "${cluster[@]}" "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
package() {	# NAME, permissions; handlers from standard input
	cat > "$1.wpk.yaml" <<Y
apiVersion: v1
kind: WorkflowPackage
metadata: {name: $1, version: 1.0.0, description: d, author: a}
spec:
  runtime: {type: k8s}
  safety: {mode: manual}
  validation: {required_permissions: [$2]}
  handlers:
$(cat)
Y
}
# found STEP|run CHANGE KIND NAME [MORE]: Python for: that is among the effects of the step
found() {
	local where="d['steps'][$1]"; [ "$1" = run ] && where=d
	echo "any(c['change'] == '$2' and c['kind'] == '$3' and c['name'].startswith('$4') ${5:-} for c in ${where}['objects']['changes'])"
}

mkdir fixtures
cat > fixtures/objects.yaml <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: "docker.io/library/busybox:1.35", command: [sleep, "1000"]}]
---
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: fixture-value-one, user: somebody}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: low}
Y
package effects "deployments/get, deployments/patch, deployments/scale, secrets/patch, secrets/get, configmaps/delete, configmaps/get, pods/list" <<'Y'
    - {name: look, type: k8s, config: {action: get, resource_type: deployment, name: web, field: spec.replicas}}
    - {name: more, type: k8s, config: {action: scale, resource_type: deployment, name: web, replicas: 2}}
    - {name: rotate, type: k8s, config: {action: patch, resource_type: secret, name: db, data: {password: package-value-two}}}
    - {name: command, type: shell, config: {command: "echo ran"}}
    - {name: forget, type: k8s, config: {action: delete, resource_type: configmap, name: settings}}
Y
on_cluster effects.wpk.yaml --fixtures=fixtures --format=json --report=text:for-eyes; status 0 "a package that changes, patches and deletes"
json 'all(s["objects"]["known"] for s in d["steps"]) and d["objects"]["known"]' "what became of objects is known after every step"
json 'd["steps"][0]["objects"]["changes"] == []' "a step that only looks has no effects"
json "$(found 1 changed Deployment web 'and {"path": "spec.replicas", "before": 1, "after": 2} in c["fields"] and not c["derived"]')" "scaling is a change of one field"
json "$(found 1 created Pod web- 'and c["derived"]')" "its new pod came from a controller"
json '[c for c in d["steps"][1]["objects"]["changes"] if not c["derived"]] == [c for c in d["steps"][1]["objects"]["changes"] if c["kind"] == "Deployment"]' "and nothing else is the step's own"
json "$(found 2 changed Secret db 'and c["fields"] == [{"path": "data.password", "before": "***", "after": "***"}]')" "a Secret is seen to change, by key, without its values"
json 'd["steps"][2]["objects"]["changed"] == 1 and d["steps"][2]["objects"]["created"] == 0' "and that is all"
json 'd["steps"][3]["status"] == "passed" and d["steps"][3]["objects"]["changes"] == []' "the Job of a command is how it was run, and no effect"
json "$(found 4 deleted ConfigMap settings)" "what was deleted is told"
json "$(found run changed Deployment web)" "the run has all of it: changed"
json "$(found run deleted ConfigMap settings)" "deleted"
json '[c["change"] for c in d["objects"]["changes"]] == sorted([c["change"] for c in d["objects"]["changes"]], key=["deleted", "changed", "created"].index)' "deletions first"
encoded=$(printf %s fixture-value-one | base64) other=$(printf %s package-value-two | base64)
for secret in fixture-value-one "$encoded" "$other"; do out_lacks "$secret" "no value of the Secret in the result"; done
json 'd["cluster"]["usage"]["pods_peak"] >= 1 and any(q["resource"] == "pods" for q in d["cluster"]["usage"]["quotas"])' "pods and quotas were watched"
cp for-eyes "$out"
out_matches '^ +~ deployment/web  spec.replicas 1 > 2$' "a line for a change"
out_matches '^ +~ secret/db  data.password \*\*\* > \*\*\* \(changed\)$' "for a Secret"
out_matches '^ +- configmap/settings$' "for what is gone"
out_lacks "fixture-value-one" "and no value"

# what stands in is said to
package standin "deployments/get, deployments/patch, deployments/scale" <<'Y'
    - {name: more, type: k8s, config: {action: scale, resource_type: deployment, name: nobody-gave-me, replicas: 2}}
Y
on_cluster standin.wpk.yaml --format=json; status 0 "a target that only the package names"
json "$(found 0 changed Deployment nobody-gave-me 'and c["stand_in"]')" "its change is one of a stand-in"

# what is wrong, in words
cat > broken.wpk.yaml <<'Y'
apiVersion: v1
kind: WorkflowPackage
metadata: {name: broken, version: 1.0.0, description: d, author: a}
spec:
  runtime: {type: k8s}
  safety: {mode: manual}
  validation: {required_permissions: [deployments/create, deployments/get, deployments/patch]}
  handlers:
    - name: broken
      timeout: 15s
      steps:
        - name: apply
          kubernetes:
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: broken}
            spec:
              selector: {matchLabels: {app: broken}}
              template:
                metadata: {labels: {app: broken}}
                spec: {containers: [{name: c, image: "registry.invalid/nothing:1"}]}
Y
on_cluster broken.wpk.yaml --format=json; [ "$rc" = 1 ]; result $? "a deployment whose image nobody has (exit $rc)"
json "$(found 0 created Deployment broken)" "it was made"
json '"cannot be pulled" in d["steps"][0]["reason"] and "registry.invalid/nothing:1" in d["steps"][0]["reason"]' "the reason says what is wrong with it"
json 'sum("registry.invalid/nothing:1" in w and "cannot be pulled" in w for w in d["warnings"]) <= 1' "a warning comes once"
json '"deployment/broken" in d["collected"] and "pod/broken-" in d["collected"] and "ImagePull" in d["collected"]' "what may help is collected: descriptions and events"
finish
