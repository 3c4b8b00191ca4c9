#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kind: a cluster for one run, made, used and removed; what is said when it cannot be had; whose clusters are left alone; one that stays.
. "$(dirname "$0")/lib.sh"
kind_run() { timeout 300 "$SANDBOX_RUNNER" run --type=kind --kind-image=$node_image "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
everywhere() { cat "$out" >> "$err"; }	# the reason of a failure stands in either
objects() { nodes; timeout 20 docker network ls --format '{{.Name}}' | grep '^atom-'; timeout 20 docker volume ls -q; }
nothing() { local left; left=$(objects); [ -z "$left" ] || { echo "$left" | sed 's/^/# left: /'; return 1; }; }
wpk one - <<< '    - {name: one, type: shell, config: {command: "id -u; echo made > made; cat made"}}'

# what is missing
PATH=/usr/bin:/bin DOCKER_HOST=unix://$work/none.sock kind_run one.wpk.yaml; everywhere
status 5 "neither kind nor docker"; err_matches "'kind'|none.sock" "and that is said"
SANDBOX_RUNNER_KIND=$material/kind DOCKER_HOST=unix://$work/none.sock kind_run one.wpk.yaml; everywhere
status 5 "kind without docker"; err_has none.sock "the socket is named"
SANDBOX_RUNNER_KIND=relative/kind kind_run one.wpk.yaml; everywhere; status 5 "a kind that is none"; err_has SANDBOX_RUNNER_KIND "the variable is named"
printf 'apiVersion: v1\nkind: Config\nclusters: 7\n' > bad.kubeconfig; chmod 600 bad.kubeconfig
run run --type=kubernetes --kubeconfig=bad.kubeconfig --context=x one.wpk.yaml; everywhere
[ "$rc" = 3 ] || [ "$rc" = 5 ]; result $? "a kubeconfig that is none (exit $rc)"; err_has bad.kubeconfig "is named"
DOCKER_HOST=unix://$work/none.sock PATH=/usr/bin:/bin run doctor; out_matches "no program 'kind'|none\.sock" "doctor says what kind lacks"
left_nothing "so far"

docker_start || skip_all "dockerd does not start here"

# a kind that does not do its work
printf '#!/bin/sh\necho "ERROR: failed to create cluster: the reason of it" >&2\nexit 1\n' > bad-kind; chmod 755 bad-kind
SANDBOX_RUNNER_KIND=$work/bad-kind kind_run one.wpk.yaml; everywhere; status 5 "kind fails"; err_has "the reason of it" "in its own words"
printf '#!/bin/sh\nsleep 321 &\nsleep 321\n' > slow-kind; chmod 755 slow-kind
SANDBOX_RUNNER_KIND=$work/slow-kind start run --type=kind one.wpk.yaml
for _ in $(seq 100); do pgrep -f '^sleep 321$' > /dev/null && break; sleep 0.1; done
kill -TERM "$pid"; wait "$pid"; rc=$?; status 143 "kind hangs, and a signal ends that"
! grep -lsz "^KUBECONFIG=$work/" /proc/[0-9]*/environ | grep -q .; result $? "nothing that it started is alive"
ok "nor a network" nothing
until_nothing_left "nor a file"
SANDBOX_RUNNER_KIND=$work/slow-kind kind_run one.wpk.yaml --timeout=3s; everywhere
status 124 "kind hangs, and the deadline of the run ends that"; err_has "Verdict: DEADLINE" "which is told"
! grep -lsz "^KUBECONFIG=$work/" /proc/[0-9]*/environ | grep -q .; result $? "nothing of it is alive"
ok "nor is there a network" nothing
until_nothing_left "nor a file of that"

# somebody else's, of a name like ours
docker network create atom-dryrun-theirs > /dev/null
docker create --name theirs --label io.x-k8s.kind.cluster=atom-dryrun-theirs --network atom-dryrun-theirs $node_image true > /dev/null

# a configuration of the user's, and who may read the key to the cluster
printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: 7\n' > bad.kind.yaml
kind_run one.wpk.yaml --kind-config=bad.kind.yaml; everywhere; status 5 "a configuration that kind does not take"; err_has "kind cannot make a cluster" "in its own words"
kind_run one.wpk.yaml --kind-config=nothing.yaml; everywhere; [ "$rc" = 3 ] || [ "$rc" = 5 ] || [ "$rc" = 2 ]; result $? "one that is not there (exit $rc)"; err_has nothing.yaml "is named"

# one run
t0=$(date +%s%N)
kind_run one.wpk.yaml --format=json; status 0 "a run with a cluster of its own"
echo "# that took $(( ($(date +%s%N) - t0) / 1000000 )) ms"
json 'd["verdict"] == "verified" and d["steps"][0]["stdout"]["text"].split() == ["65534", "made"]' "its step ran as a Job"
json '{"container", "volume", "network", "directory", "state_file"} <= {i["kind"] for i in d["cleanup"]["items"]} and all(i["gone"] for i in d["cleanup"]["items"])' \
	"container, volume, network, kubeconfig and record are gone, and that is proven"
json 'd["cluster"]["namespace"] == "atom-sandbox"' "the namespace is that of a cluster of our own"
json '(lambda s: all(s[c] == "enforced" for c in ("memory", "cpu", "seccomp", "capabilities", "no_new_privs", "read_only_root", "non_root")) and s["network"] in ("enforced", "unavailable"))({c["control"]: c["state"] for c in d["enforcement"]})' \
	"the table says what a pod saw"
[ "$(objects)" = "$(printf 'theirs\natom-dryrun-theirs')" ]; result $? "what is not ours is all there is" || objects | sed 's/^/# left: /'
[ ! -e "$HOME/.kube" ]; result $? "the user's kubeconfig was not touched"
until_nothing_left "a run with a cluster"
run gc; status 0 "gc"; out_is "nothing to clean up" "leaves what is not ours"
docker rm -f theirs > /dev/null; docker network rm atom-dryrun-theirs > /dev/null

# one that stays
kind_run one.wpk.yaml --reuse-cluster --format=json; status 0 "a cluster that stays"
json 'd["cluster"]["namespace"].startswith("atom-sandbox-r-") and any(i["kind"] == "namespace" and i["gone"] for i in d["cleanup"]["items"])' "the run had a namespace in it, which is gone"
first=$(nodes); [ -n "$first" ]; result $? "it is still there"
[ "$(find "$work/state" -name kubeconfig -printf '%m ')" = "600 " ]; result $? "with a kubeconfig that nobody else can read"
start run --type=kind --kind-image=$node_image --reuse-cluster one.wpk.yaml --format=ndjson
kind_run one.wpk.yaml --reuse-cluster --format=json; status 0 "two more at once"; wait "$pid"; rc=$?; status 0 "the other"
[ "$(nodes)" = "$first" ]; result $? "in the same cluster"
run gc; status 0 "gc"; out_has "$first" "takes away one that nobody uses"
ok "and nothing is left in docker" nothing
left=$(find "$work/state/kind" -type f 2> /dev/null); [ -z "$left" ]; result $? "nor in the state folder"
finish
