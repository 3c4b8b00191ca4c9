#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# faults: what goes wrong on a real cluster, and is told: an old certificate, a dead run's namespace, storage, quota, pods that do not get ready,
# full disks.
. "$(dirname "${BASH_SOURCE[0]}")/../../cli/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
export DOCKER_HOST=${KIND_DOCKER_HOST:-}
cluster=(--type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context="$TEST_CONTEXT")
on_cluster() { timeout 200 "$SANDBOX_RUNNER" run "${cluster[@]}" "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
everywhere() { cat "$out" >> "$err"; }	# the reason of a failure stands in either
k() { timeout 60 docker exec "${TEST_CONTEXT#kind-}-control-plane" kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }
namespaces() { k get namespaces -o name | sed -n "s|^namespace/\(atom-sandbox-$1\)$|\1|p"; }
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

# what takes long goes on meanwhile: each in a folder and state of its own, its exit status in the file rc
aside() { local name=$1; shift; mkdir -p "$name.d/state"; { SANDBOX_RUNNER_STATE_DIR=$work/$name.d/state timeout 200 "$SANDBOX_RUNNER" run "${cluster[@]}" "$@" \
	> "$name.d/out" 2> "$name.d/err" < /dev/null; echo $? > "$name.d/rc"; } & }
so_far() { local i; for i in $(seq 2000); do [ -s "$1.d/rc" ] && break; sleep 0.1; done; cp "$1.d/out" "$out"; cp "$1.d/err" "$err"; rc=$(cat "$1.d/rc"); }

wpk fill - <<< '    - {name: fill, type: shell, timeout: 90s, config: {command: "head -c 60000000 /dev/zero > big; echo written; sleep 80"}}'
aside fill fill.wpk.yaml --storage=16Mi --format=json
wpk course - <<< '    - {name: course, type: shell, timeout: 90s, config: {command: "sleep 15"}}'
aside course course.wpk.yaml --format=json --report=text:course.eyes

cat > stuck.yaml <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck}
spec:
  replicas: 1
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      terminationGracePeriodSeconds: 0
      initContainers: [{name: before, image: "docker.io/library/busybox:1.35", command: [sleep, "1000"]}]
      containers: [{name: c, image: "docker.io/library/busybox:1.35", command: [sleep, "1000"]}]
Y
manifest() { sed 's/^/            /' "$1"; }
{ printf '    - name: never\n      timeout: 40s\n      steps:\n        - name: apply\n          kubernetes:\n'; manifest stuck.yaml; } | package stuck "deployments/create, deployments/get, deployments/patch"
aside stuck stuck.wpk.yaml --format=json

sed 's/stuck/unready/g; s/^      initContainers.*//; s/command: \[sleep, "1000"\]}/command: [sleep, "1000"], readinessProbe: {exec: {command: ["false"]}, periodSeconds: 1}}/' stuck.yaml | grep . > unready.yaml
{ printf '    - name: never\n      timeout: 40s\n      steps:\n        - name: apply\n          kubernetes:\n'; manifest unready.yaml; } | package unready "deployments/create, deployments/get, deployments/patch"
aside unready unready.wpk.yaml --format=json

sed 's/stuck/large/g; s/^      initContainers.*//; s/command: \[sleep, "1000"\]}/command: [sleep, "1000"], resources: {limits: {memory: 100Mi, cpu: 20m}}}/' stuck.yaml | grep . > large.yaml
package large "deployments/scale, deployments/get" <<< '    - {name: more, type: k8s, timeout: 40s, config: {action: scale, resource_type: deployment, name: large, replicas: 4}}'
aside large large.wpk.yaml --fixtures=large.yaml --memory=300Mi --format=json

# whom the cluster takes us for
if command -v openssl > /dev/null; then
	{ openssl req -new -newkey rsa:2048 -nodes -subj /O=system:masters/CN=admin -keyout key.pem -out request.pem &&
		openssl x509 -req -in request.pem -signkey key.pem -days 0 -out old.pem; } > /dev/null 2>&1
	sleep 1.1
	sed -e "s|client-certificate-data:.*|client-certificate-data: $(base64 -w 0 < old.pem)|" -e "s|client-key-data:.*|client-key-data: $(base64 -w 0 < key.pem)|" \
		"$TEST_KUBECONFIG" > old.kubeconfig; chmod 600 old.kubeconfig
	run run --type=kubernetes --kubeconfig=old.kubeconfig --context="$TEST_CONTEXT" fill.wpk.yaml; everywhere
	status 5 "a certificate that has expired"; err_matches "certificate ended at .*renew it" "is called that"
	left_nothing "it"
fi

# a dead run's namespace, found by a runner that knows nothing of it
wpk long - <<< '    - {name: long, type: shell, config: {command: "echo at\"\"-it; sleep 300"}}'
mkdir dead
SANDBOX_RUNNER_STATE_DIR=$work/dead start run "${cluster[@]}" long.wpk.yaml --format=ndjson
until_out '"step.start"'; id=$(sed -n 's/.*"run_id":"\([^"]*\)".*/\1/p' "$out" | head -n 1)
for _ in $(seq 3); do for p in $(pgrep -P "$pid") "$pid"; do kill -STOP "$p" 2> /dev/null; done; done
for p in $(pgrep -P "$pid") $(grep -lsz "^SANDBOX_RUNNER_STATE_DIR=$work/dead$" /proc/[0-9]*/environ | sed 's|/proc/||; s|/environ||'); do kill -KILL "$p" 2> /dev/null; done
kill -KILL "$pid"; wait "$pid" 2> /dev/null
[ -n "$(namespaces "$id")" ]; result $? "killed with its reaper: its namespace stays"
wpk one
on_cluster one.wpk.yaml; status 0 "another run"
[ -n "$(namespaces "$id")" ]; result $? "leaves it alone while its lease lasts"
k annotate --overwrite namespace "atom-sandbox-$id" sandbox-runner/lease-until=1000 > /dev/null; result $? "the lease ends"
on_cluster one.wpk.yaml; status 0 "the next run"
for _ in $(seq 600); do [ -z "$(namespaces "$id")" ] && break; sleep 0.2; done
[ -z "$(namespaces "$id")" ]; result $? "has it removed"

# full disks
if mkdir small && in_mount_namespace true && mount -t tmpfs -o size=64k none small 2> /dev/null; then
	wpk talk - <<< '    - {name: talk, type: shell, config: {command: "head -c 3000000 /dev/zero | tr \"\\\\0\" x | fold -w 100; echo the-end"}}'
	on_cluster talk.wpk.yaml --save-logs=small --format=json; [ "$rc" != 0 ] && [ "$rc" -lt 126 ] && [ "$rc" != 70 ]; result $? "no room for logs (exit $rc)"
	everywhere; err_matches "No space left|no space" "is told"
	umount small
	mount -t tmpfs -o size=1m none small
	head -c 4000000 /dev/zero > small/ballast 2> /dev/null
	SANDBOX_RUNNER_STATE_DIR=$work/small/state on_cluster one.wpk.yaml --format=json; [ "$rc" != 0 ]; result $? "no room for the state folder (exit $rc)"
	everywhere; err_matches "No space left|no space" "is told, too"
	rm -rf small/*
	wpk while - <<< '    - {name: while, type: shell, config: {command: "sleep 6; echo went-on"}}'
	SANDBOX_RUNNER_STATE_DIR=$work/small/state start run "${cluster[@]}" while.wpk.yaml --format=ndjson
	until_out '"step.start"'; head -c 4000000 /dev/zero > small/ballast 2> /dev/null
	id=$(sed -n 's/.*"run_id":"\([^"]*\)".*/\1/p' "$out" | head -n 1)
	wait "$pid"; rc=$?; [ "$rc" -lt 126 ] && [ "$rc" != 70 ]; result $? "the disk fills up while a step runs: the run comes to its end (exit $rc)"
	[ -z "$(namespaces "$id")" ]; result $? "and its namespace is gone"
	umount -l small
else
	skip "full disks" "no file system can be mounted here"
fi

so_far fill; status 7 "a command that writes more than it may"; json 'd["steps"][0]["status"] == "limit" and d["steps"][0]["limit"] == "storage"' "is ended for storage, by its name"
json 'd["cleanup"]["complete"]' "and removed"
so_far course; status 0 "a command that takes its time"
json 'len(d["cluster"]["usage"]["points"]) >= 4 and d["cluster"]["usage"]["pods_peak"] == 1' "what its namespace uses is looked at meanwhile"
has course.eyes " at most 1" "and has a course"
so_far stuck; status 1 "an init container that does not end"; json '"before" in d["steps"][0]["reason"] and "init" in d["steps"][0]["reason"]' "is named"
so_far unready; status 1 "a pod that runs and does not become ready"; json '"0 of 1 replicas are ready" in d["steps"][0]["reason"] and "readiness" in d["steps"][0]["reason"].lower()' "its probe is named"
so_far large; status 1 "more pods than the quota has room for"; json '"exceeded quota" in d["steps"][0]["reason"] or "quota" in d["steps"][0]["reason"]' "the quota is named"
for name in fill course stuck unready large; do left=$(find "$name.d/state" -mindepth 2 ! -path '*/results/*'); [ -z "$left" ]; result $? "$name: nothing is left" || echo "$left" | sed 's/^/# /'; done
finish
