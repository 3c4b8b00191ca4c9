#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kind_engine: engines that only remember (fake_engine.py): what `gc` takes of clusters in them, request by request, and which engines are
# refused for kind before anything is made.
. "$(dirname "$0")/lib.sh"
command -v python3 > /dev/null || { echo "python3 is not installed"; exit 77; }
unset SANDBOX_RUNNER_TEST_TIME
engine=
stop() { [ -z "$engine" ] || { kill "$engine"; wait "$engine"; } 2> /dev/null; engine=; }
trap 'stop; remove_work' EXIT
mkdir -p bin; for name in kind docker podman; do printf '#!/bin/sh\nexit 1\n' > bin/$name; done; chmod 755 bin/*
export PATH=$work/bin:$PATH SANDBOX_RUNNER_KIND=$work/bin/kind
exec {held}> held; flock "$held"	# the record of a run that is alive

# fake FLAVOUR PYTHON…: an engine with that world, found by the runner; its labels are made by L(id, state=…, …)
fake() {
	local flavour=$1 socket=$work/$1.sock
	stop; rm -f "$socket" requests
	: > requests
	python3 - "$flavour" "$work" > world.json <<X || return 1
import json, os, sys, time
flavour, work = sys.argv[1:]
here = str(os.stat("/proc/self/ns/mnt").st_ino)
def L(id, state="/nonexistent/kind-x", where=here, deadline=None):
    labels = {"sandbox_runner.run": id, "sandbox_runner.state": state, "sandbox_runner.where": where}
    if deadline is not None: labels["sandbox_runner.deadline"] = str(int(time.time()) + deadline)
    return labels
def network(name, labels=None): return {"Name": name, "Id": "n-" + name, "Labels": labels}
def node(id, cluster, network, volume=None):
    mounts = [{"Type": "bind", "Source": "/lib/modules"}] + ([{"Type": "volume", "Name": volume}] if volume else [])
    place = {"HostConfig": None} if flavour == "podman" else {"HostConfig": {"NetworkMode": network}}
    return {"Id": id, "Names": ["/" + id], "Name": "/" + id, "Labels": {"io.x-k8s.kind.cluster": cluster} if cluster else {},
            "NetworkSettings": {"Networks": {network: {}}}, "Mounts": mounts, **place}
def volume(name, **labels): return {"Name": name, "Labels": {k.replace("_", "-"): v for k, v in labels.items()} or None}
world = {"flavour": flavour}
${2:-}
json.dump(world, sys.stdout)
X
	python3 "$repo/tests/cli/fake_engine.py" "$socket" world.json requests 2> fake.log &
	engine=$!
	for _ in $(seq 200); do [ -S "$socket" ] && break; sleep 0.05; done
	export DOCKER_HOST=unix:///nonexistent/docker.sock CONTAINER_HOST=unix:///nonexistent/podman.sock
	[ "$flavour" = podman ] && CONTAINER_HOST=unix://$socket || DOCKER_HOST=unix://$socket
}
requests_are() { [ "$(sort requests)" = "$(printf '%s\n' "${@:2}" | grep . | sort)" ]; result $? "$1" || sed 's/^/# asked: /' requests; }

a=aaaaaaaaaaaaaaaaaaaaaaaaaa b=bbbbbbbbbbbbbbbbbbbbbbbbbb c=cccccccccccccccccccccccccc
foreign="
world['networks'] = [
    network('bridge'), network('kind', {}), network('atom-dryrun-theirs'), network('atom-dryrun-r-$a', {'other': 'r-$a'}),
    network('atom-dryrun-r-$b', L('r-$c')), network('other-r-$b', L('r-$b')), network('r-$b', L('r-$b')), network('atom-dryrun-', L('')),
    network('atom-dryrun-../containers/x', L('../containers/x')), network('atom-dryrun-x?force=1', L('x?force=1')), network('atom-dryrun-' + 'x' * 300, L('x' * 300)),
    network('atom-dryrun-alive', L('alive', state=work + '/held')), network('atom-dryrun-elsewhere', L('elsewhere', where='1', deadline=7200)),
    network('atom-dryrun-nowhere', L('nowhere', where='', state='')), network('atom-dryrun-relative', L('relative', state='relative')),
    {'Name': 7, 'Labels': 7}, 7, None,
]
world['containers'] = [
    node('theirs-1', 'theirs', 'kind', 'v1'), node('theirs-2', 'atom-dryrun-theirs', 'atom-dryrun-theirs', 'v2'), node('theirs-3', 'atom-dryrun-gone', 'kind', 'v3'),
    node('theirs-4', 'atom-dryrun-r-$b', 'atom-dryrun-r-$b'), node('theirs-5', None, 'atom-dryrun-r-$c'), node('alive', 'atom-dryrun-alive', 'atom-dryrun-alive', 'v4'),
    node('theirs-6', 'other-r-$b', 'other-r-$b'), node('theirs-7', 'atom-dryrun-../x', 'atom-dryrun-../x'), node('elsewhere', 'atom-dryrun-elsewhere', 'atom-dryrun-elsewhere'), {'Id': 7}, 7,
]
world['volumes'] = [
    volume('plain'), volume('v1', theirs_control_plane='true'), volume('v2', atom_dryrun_theirs_control_plane='true'), volume('v4', atom_dryrun_alive_control_plane='true'),
    volume('v5', atom_dryrun_r_${a}_control_plane='true'), volume('v6', atom_dryrun_r_${c}_control_plane='false'), volume('v7', atom_dryrun_r_${c}_control_plane='true', more='x'),
    volume('v8', atom_dryrun_r_${c}='true'), volume('v9', atom_dryrun_r_short_control_plane='true'), volume('../containers/theirs-1', atom_dryrun_r_${c}_control_plane='true'), {'Name': 'x', 'Labels': 7}, 7,
]"
ours="
world['networks'] += [network('atom-dryrun-r-dead', L('r-dead'))]
world['containers'] += [node('dead-1', 'atom-dryrun-r-dead', 'atom-dryrun-r-dead', 'dead-v'), node('dead-2', 'atom-dryrun-r-dead', 'atom-dryrun-r-dead'), node('late', 'atom-dryrun-r-$c', 'atom-dryrun-r-$c')]
world['volumes'] += [volume('dead-v', atom_dryrun_r_dead_control_plane='true'), volume('dead-v2', atom_dryrun_r_dead_worker='true'), volume('late-v', atom_dryrun_r_${c}_control_plane2='true')]"
taken=("DELETE /containers/dead-1" "DELETE /containers/dead-2" "DELETE /volumes/dead-v" "DELETE /networks/atom-dryrun-r-dead" "DELETE /containers/late")

for flavour in docker podman; do
	fake $flavour "$foreign"; run gc; status 0 "$flavour: gc, where all is somebody else's"
	requests_are "$flavour: nothing is asked to be removed"
	more=(); [ $flavour = docker ] || more=("DELETE /volumes/dead-v2" "DELETE /volumes/late-v")
	fake $flavour "$foreign$ours"; run gc; status 0 "$flavour: gc, with a cluster of a dead run"
	requests_are "$flavour: that is removed, and what came late, each thing once" "${taken[@]}" "${more[@]}"
	out_has "atom-dryrun-r-dead" "$flavour: and told"
	run gc; [ "$(wc -l < requests)" = $((${#taken[@]} + ${#more[@]})) ]; result $? "$flavour: a second gc asks for nothing"
	for path in /networks /containers/json; do
		fake $flavour "$foreign$ours
world['fail'] = {'$path': 500}"
		run gc; [ "$rc" != 0 ]; result $? "$flavour: $path is not answered, and gc says so (exit $rc)"; cat "$out" >> "$err"; err_has "told to fail" "$flavour: in the engine's words"
	done
done
fake docker "world['networks'] = [network('atom-dryrun-long', L('long', where='1', deadline=-86400 * 30))]"; run gc; requests_are "one whose time is over by far is removed from anywhere" "DELETE /networks/atom-dryrun-long"

# refused before anything is made. An engine that runs without root has a socket that is not root's.
wpk one
refused() {	# WHAT RUNTIME SENTENCE
	[ "$(id -u)" != 0 ] || chown 1000 "$work/$flavour.sock"
	run run --type=kind --runtime="$2" one.wpk.yaml; status 5 "$1"; cat "$out" >> "$err"; err_has "$3" "$1: and why is said"; requests_are "$1: nothing was asked of it"
}
flavour=podman
fake podman "world['info'] = {'host': {'cgroupVersion': 'v1', 'cgroupControllers': [], 'security': {'rootless': True}}}"
refused "podman without root on cgroup version 1" podman "cgroup version 2"
fake podman "world['info'] = {'host': {'cgroupVersion': 'v2', 'cgroupControllers': ['memory', 'pids'], 'security': {'rootless': True}}}"
refused "podman without root that may not limit cpu" podman "Delegate=yes"
flavour=docker
fake docker "world['info'] = {'SecurityOptions': ['name=seccomp,profile=default', 'name=rootless'], 'CgroupVersion': '1'}"
refused "docker without root on cgroup version 1" docker "cgroup version 2"
fake docker "world['info'] = {'SecurityOptions': ['name=rootless'], 'CgroupVersion': '2', 'MemoryLimit': True, 'PidsLimit': True, 'CPUShares': False}"
refused "docker without root that may not limit cpu" docker "Delegate=yes"
fake podman; export DOCKER_HOST=$CONTAINER_HOST CONTAINER_HOST=unix:///nonexistent/podman.sock flavour=podman
refused "podman in docker's place" docker "is podman: use --runtime=podman"
run doctor; out_has "is podman" "doctor: the same"; out_has "/nonexistent/podman.sock" "and why not the other"
# chosen: the first that answers, kind's own variable, --runtime before it
fake docker "world['info'] = {}"
KIND_EXPERIMENTAL_PROVIDER=podman run run --type=kind one.wpk.yaml; status 5 "the variable says podman"; cat "$out" >> "$err"; err_has "/nonexistent/podman.sock" "docker is not asked"
requests_are "nor is anything made in it"
run run --type=kind --runtime=native one.wpk.yaml; status 5 "no runtime for kind"; err_has "'native'" "is named"
left_nothing "kind_engine"
finish
