#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# crash: runs with a cluster of their own are killed at any point: the reaper undoes it, and without a reaper `gc` does. Nothing is left of containers,
# volumes, networks, kubeconfigs and processes.
. "$(dirname "$0")/lib.sh"
docker_start || skip_all "dockerd does not start here"
wpk long - <<< '    - {name: long, type: shell, config: {command: "echo at\"\"-it; sleep 300"}}'
go() { start run --type=kind --kind-image=$node_image --format=ndjson long.wpk.yaml; }
# wait until COMMAND succeeds, or the run is over
until_true() { local i; for i in $(seq 1200); do "$@" > /dev/null 2>&1 && return; kill -0 "$pid" 2> /dev/null || return 1; sleep 0.05; done; return 1; }
has_network() { timeout 20 docker network ls --format '{{.Name}}' | grep -q '^atom-dryrun-r-'; }
has_node() { nodes | grep -q .; }
has_said() { grep -qF "$1" "$out"; }
ours() {	# processes of the program: the runner, and without `but` its reaper
	local exe
	for exe in /proc/[0-9]*/exe; do [ "$(readlink "$exe" 2> /dev/null)" = "$SANDBOX_RUNNER" ] && { exe=${exe#/proc/}; echo "${exe%/exe}"; }; done
}
world() {
	nodes | sed 's/^/container /'
	timeout 20 docker network ls --format '{{.Name}}' | grep '^atom-' | sed 's/^/network /'
	timeout 20 docker volume ls -q | sed 's/^/volume /'
	grep -lsz "^KUBECONFIG=$work/" /proc/[0-9]*/environ | sed 's/^/process /'
	ours | sed 's/^/runner /'
	find "$work/state" -name 'kind*' 2> /dev/null | sed 's/^/file /'
}
look() { local now; now=$(world); [ -z "$now" ]; result $? "$1" || echo "$now" | sed 's/^/# left: /'; }
by_reaper() {	# WHAT: only the runner is killed
	kill -KILL "$pid"; wait "$pid" 2> /dev/null
	for _ in $(seq 600); do [ -z "$(ours)" ] && break; sleep 0.1; done
	look "$1: the reaper undoes it"
}
by_gc() {	# WHAT: all of ours are killed
	kill -STOP "$pid"; kill -KILL $(ours); wait "$pid" 2> /dev/null
	for _ in $(seq 200); do [ -z "$(ours)" ] && break; sleep 0.05; done
	sleep 0.5	# the kernel lets go of a dead process's locks after its name
	run gc; [ "$rc" = 0 ]; result $? "$1: gc (exit $rc)" || sed 's/^/# /' "$err"
	look "$1: gc undoes it"
	run gc; out_is "nothing to clean up" "$1: a second one has nothing to do"
}

go; until_true has_network; by_reaper "killed before there is a container"
go; until_true has_node; sleep 0.3; by_reaper "killed while kind makes the node"
go; until_true has_node; by_gc "killed with its reaper while kind makes the node"
go; until_true has_said "Starting control-plane"; by_gc "killed with its reaper while the control plane starts"
go; until_true has_said at-it; by_gc "killed with its reaper while a step runs"
# what an engine did after its client was killed: a container of our making whose network is gone
docker network create atom-dryrun-r-late > /dev/null
docker create --name late --label io.x-k8s.kind.cluster=atom-dryrun-r-late --network atom-dryrun-r-late $node_image true > /dev/null
docker network rm atom-dryrun-r-late > /dev/null
run gc; out_has "late" "a container that came late is found"
look "and removed"
# the engine dies under it
go; until_true has_said "Starting control-plane"
kill -KILL $dockerd_pid; wait $dockerd_pid 2> /dev/null
for _ in $(seq 900); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
kill -0 "$pid" 2> /dev/null; [ $? != 0 ]; result $? "docker dies half-way: the run ends"
kill -KILL "$pid" 2> /dev/null; wait "$pid"; rc=$?; [ "$rc" = 5 ] || [ "$rc" = 6 ]; result $? "and says that (exit $rc)" || tail -n 3 "$out" "$err" | cut -c 1-600 | sed 's/^/# /'
finish
