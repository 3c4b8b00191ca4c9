#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman: the nodes of kind made by a podman of our own (storage, networks and socket in a temporary folder): which engine is taken and how that is said, a
# run, runs that are killed at the points where kind has left something, what came late, podman dying under it, and what is somebody else's.
. "$(dirname "$0")/../crash/lib.sh"
material=${KIND_MATERIAL:-$repo/../shared/kind}
node_image=localhost/kind-node:v1.20.2 service= socket=$work/podman.sock
skip_all() { echo "$1"; exit 77; }
[ "$(id -u)" = 0 ] || skip_all "only root can start a podman of its own that kind can use"
[ -f "$material/kind" ] || skip_all "no kind and node image at $material (set KIND_MATERIAL)"
for needed in podman conmon runc zstd ip iptables curl python3; do command -v $needed > /dev/null || skip_all "$needed is not installed"; done
[ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] || skip_all "netavark, podman's networks, is not installed"

# ---- a podman

client=$(command -v podman)
had_modules=$([ -d /lib/modules ] && echo yes) had_networks=$([ -d /run/containers/networks ] && echo yes)
p() { CONTAINER_HOST=unix://$socket timeout 60 "$client" "$@"; }
rules() { local t; for t in nat filter; do iptables -t $t -S 2> /dev/null | grep NETAVARK | sed "s/^/-t $t /"; done; }
rules_before=$(rules)

# The limits that this process has are what a container can have where root may not raise them; crun refuses hosts with both cgroup versions.
podman_configure() {
	local octet processes
	for octet in $(seq 120 180); do ip -4 addr | grep -q "inet 10\.$octet\." || break; done
	processes=$(ulimit -Hu); [ "$processes" != unlimited ] && [ "$processes" -lt 32768 ] || processes=32768	# podman lowers its own to that
	mkdir -p "$work/podman/images" "$work/podman/networks" "$work/bin" /lib/modules
	cat > "$work/podman/containers.conf" <<-X
		[containers]
		default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=$processes:$processes"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "runc"
		image_copy_tmp_dir = "$work/podman/images"
		[network]
		network_backend = "netavark"
		network_config_dir = "$work/podman/networks"
		default_subnet = "10.$octet.0.0/24"
		default_subnet_pools = [{"base" = "10.$octet.128.0/17", "size" = 24}]
	X
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/podman/root" "$work/podman/run" > "$work/podman/storage.conf"
	export CONTAINERS_CONF=$work/podman/containers.conf CONTAINERS_STORAGE_CONF=$work/podman/storage.conf
	cp "$material/kind" "$work/bin/kind"
	# a client that stops at a word of our choice, before it asks for anything
	printf '#!/bin/sh\n[ ! -e "%s/hold-$1" ] || { : > "%s/held"; exec sleep 300; }\nexec %s "$@"\n' "$work" "$work" "$client" > "$work/bin/podman"
	chmod 755 "$work/bin/kind" "$work/bin/podman"
	export PATH=$work/bin:$PATH
}
podman_start() {
	env -u CONTAINER_HOST "$client" --tmpdir "$work/podman/tmp" system service -t 0 "unix://$socket" >> "$work/podman.log" 2>&1 < /dev/null &
	service=$!
	for _ in $(seq 300); do curl -sf --unix-socket "$socket" http://podman/_ping > /dev/null && return; kill -0 $service 2> /dev/null || break; sleep 0.1; done
	tail -n 5 "$work/podman.log" | sed 's/^/# /'
	return 1
}
podman_finish() {
	local file id
	for id in $(p ps -aq 2> /dev/null); do p rm -f -v "$id" > /dev/null 2>&1; done
	p network prune -f > /dev/null 2>&1
	kill "$service" 2> /dev/null; wait "$service" 2> /dev/null
	for file in $(grep -lsF -- "$work" /proc/[0-9]*/cmdline); do	# monitors of commands that have ended stay for five minutes
		case $({ tr '\0' ' ' < "$file"; } 2> /dev/null) in *conmon*|*aardvark*|*catatonit*) file=${file#/proc/}; kill -9 "${file%/cmdline}" 2> /dev/null ;; esac
	done
	sleep 0.2
	awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2> /dev/null; done
	if [ -z "$rules_before" ]; then	# chains that netavark leaves, empty
		rules | sed -n 's/ -A / -D /p' | while read -r line; do xargs iptables <<< "$line" 2> /dev/null; done
		rules | sed -n 's/ -N / -X /p' | while read -r line; do xargs iptables <<< "$line" 2> /dev/null; done
	fi
	rmdir /sys/fs/cgroup/*/libpod_parent /sys/fs/cgroup/libpod_parent 2> /dev/null
	[ "$had_networks" = yes ] || rm -rf /run/containers/networks	# netavark's notes of addresses
	[ "$had_modules" = yes ] || rmdir /lib/modules 2> /dev/null
	remove_work
}

# ---- runs

until_true() { local i; for i in $(seq 1200); do "$@" > /dev/null 2>&1 && return; kill -0 "${pid:-$$}" 2> /dev/null || return 1; sleep 0.05; done; return 1; }
kind_run() { timeout 300 "$SANDBOX_RUNNER" run --type=kind --kind-image=$node_image "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
everywhere() { cat "$out" >> "$err"; }	# the reason of a failure stands in either
ours() {
	local exe
	for exe in /proc/[0-9]*/exe; do [ "$(readlink "$exe" 2> /dev/null)" = "$SANDBOX_RUNNER" ] && { exe=${exe#/proc/}; echo "${exe%/exe}"; }; done
}
objects() { p ps -a --format 'container {{.Names}}'; p network ls --format 'network {{.Name}}' | grep -v ' podman$'; p volume ls --format 'volume {{.Name}}'; }
world() {
	objects
	grep -lsz "^KUBECONFIG=$work/" /proc/[0-9]*/environ | sed 's/^/process /'
	ours | sed 's/^/runner /'
	find "$work/state" -name 'kind*' 2> /dev/null | sed 's/^/file /'
}
look() { local now; now=$(world); [ "$now" = "${theirs:-}" ]; result $? "$1" || echo "$now" | sed 's/^/# left: /'; }
hold() {	# WORD: a run until kind's client stops at that word
	rm -f "$work"/hold-* "$work/held"; touch "$work/hold-$1"
	start run --type=kind --kind-image=$node_image one.wpk.yaml
	until_true test -e "$work/held"; result $? "kind is stopped at 'podman $1'"
}
killed_alone() { kill -KILL "$pid"; wait "$pid" 2> /dev/null; rm -f "$work"/hold-*; for _ in $(seq 600); do [ -z "$(ours)" ] && break; sleep 0.1; done; }
killed_with_reaper() { kill -STOP "$pid"; kill -KILL $(ours); wait "$pid" 2> /dev/null; rm -f "$work"/hold-*; }

wpk one - <<< '    - {name: one, type: shell, config: {command: "id -u; echo made > made; cat made"}}'
trap podman_finish EXIT
podman_configure
export CONTAINER_HOST=unix://$socket

# which engine
kind_run one.wpk.yaml; everywhere; status 5 "podman, and nobody serves it"; err_has "$socket" "its socket is named"; err_has "podman system service" "and what to do"
podman_start || skip_all "podman's service does not start here"
zstd -dc "$material"/kind-node-*.tar.zst | p load > "$work/load.log" 2>&1 || { tail -n 5 "$work/podman.log" "$work/load.log" | sed 's/^/# /'; skip_all "podman cannot load the node image here"; }
printf '#!/bin/sh\nexit 1\n' > "$work/bin/docker"; chmod 755 "$work/bin/docker"
DOCKER_HOST=$CONTAINER_HOST kind_run --runtime=docker one.wpk.yaml; everywhere; status 5 "podman in docker's place"; err_has "is podman: use --runtime=podman" "is found out"
KIND_EXPERIMENTAL_PROVIDER=nerdctl kind_run one.wpk.yaml; everywhere; status 5 "an engine that is not known"; err_has nerdctl "is named"
# somebody else's, of names like ours
p network create atom-dryrun-theirs > /dev/null
p volume create --label atom-dryrun-theirs-control-plane=true theirs > /dev/null
p volume create --label atom-dryrun-r-aaaaaaaaaaaaaaaaaaaaaaaaaa-control-plane=true --label other=1 theirs-2 > /dev/null
p create --name theirs --label io.x-k8s.kind.cluster=atom-dryrun-theirs --network atom-dryrun-theirs --volume theirs:/var $node_image true > /dev/null
theirs=$(objects); [ "$(wc -l <<< "$theirs")" = 4 ]; result $? "there are four things of somebody else's"

# one run; both engines answer to their names, and docker is none: what is asked for is taken
DOCKER_HOST=$CONTAINER_HOST kind_run --runtime=podman one.wpk.yaml; status 0 "a run with a cluster in podman"
out_has "kind makes a cluster with podman at '$socket'" "that is said"
out_has "| made" "its step ran as a Job"; out_matches "Cleanup: [0-9]+ things made, [0-9]+ gone" "and all was undone"
look "container, volume, network and kubeconfig are gone; what is not ours is all there is"

# killed
hold volume; killed_alone; look "killed when there is but a network: the reaper undoes it"
hold run; killed_with_reaper; run gc; status 0 "killed with its reaper when the volume of the node is there and the node is not: gc"; out_has volume "finds the volume"; look "and all the rest"
hold exec; p ps --format '{{.Names}}' | grep -q '^atom-dryrun-r-.*-control-plane$'; result $? "the node is up"
killed_with_reaper; run gc; status 0 "killed with its reaper while kind works in the node: gc"; out_has container "finds the container"; look "and all the rest"

# what podman did after its client was killed: the network is gone
late=atom-dryrun-r-aaaaaaaaaaaaaaaaaaaaaaaaaa
p network create $late > /dev/null
p volume create --label $late-control-plane=true late-1 > /dev/null; p volume create --label $late-worker=true late-2 > /dev/null
p create --name $late-control-plane --label io.x-k8s.kind.cluster=$late --network $late --volume late-1:/var $node_image true > /dev/null
run gc; out_is "nothing to clean up" "of a network without our mark nothing is taken"
rm -f "$work/podman/networks/$late.json"
run gc; out_has "$late-control-plane" "a container that came late is found"; out_has late-2 "so is a volume"; look "and removed"

# podman dies under it
hold exec; kill -KILL $service; wait $service 2> /dev/null; rm -f "$work"/hold-* "$socket"; kill $(pgrep -P "$(pgrep -P "$pid" -x kind)" 2> /dev/null) 2> /dev/null
for _ in $(seq 900); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
wait "$pid"; rc=$?; [ "$rc" = 5 ] || [ "$rc" = 6 ]; result $? "podman dies half-way: the run ends and says so (exit $rc)"; everywhere
err_has "sandbox_runner gc" "what may be left is told, and what removes it"
podman_start; run gc; status 0 "when podman is back, gc"; look "removes it"
finish
