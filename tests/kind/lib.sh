# SPDX-License-Identifier: Apache-2.0
# lib.sh: a real Kubernetes cluster for tests: a dockerd of our own (folder, socket and bridge of its own) with the node image of the
# acceptance material ($KIND_MATERIAL, or the folder beside a checkout in our own test set-up). On top of tests/crash/lib.sh it gives
#	docker_start|docker_stop	as DOCKER_HOST; kind in PATH, $node_image loaded
#	cluster_start NAME|cluster_stop	$TEST_KUBECONFIG, $TEST_CONTEXT: a cluster that is not of the program's making
#	nodes				names of node containers, whoever made them
. "$(dirname "${BASH_SOURCE[0]}")/../crash/lib.sh"
material=${KIND_MATERIAL:-$repo/../shared/kind}
node_image=localhost/kind-node:v1.20.2 dockerd_pid= bridge=
skip_all() { echo "$1"; exit 77; }
[ "$(id -u)" = 0 ] || skip_all "only root can start a dockerd of its own"
[ -f "$material/kind" ] || skip_all "no kind and node image at $material (set KIND_MATERIAL)"
for needed in dockerd docker zstd ip; do command -v $needed > /dev/null || skip_all "$needed is not installed"; done

docker_start() {
	local octet
	mkdir -p "$work/bin" "$work/docker"
	cp "$material/kind" "$work/bin/kind" && chmod 755 "$work/bin/kind"
	export PATH=$work/bin:$PATH DOCKER_HOST=unix://$work/docker.sock
	octet_used=0 bridge=srk$((RANDOM % 100000))
	for octet in $(seq 200 250); do ip -4 addr | grep -q "inet 10\.$octet\." || break; done; octet_used=$octet
	ip link add "$bridge" type bridge && ip addr add "10.$octet.0.1/16" dev "$bridge" && ip link set "$bridge" up || return 1
	env -u DOCKER_HOST dockerd --data-root "$work/docker/data" --exec-root "$work/docker/exec" --pidfile "$work/docker/pid" -H "$DOCKER_HOST" \
		--bridge="$bridge" --add-runtime "capped=$material/runc-capped" --default-runtime capped --default-address-pool "base=10.$((octet + 1)).0.0/16,size=24" \
		> "$work/docker.log" 2>&1 < /dev/null &
	dockerd_pid=$!
	for _ in $(seq 300); do docker version > /dev/null 2>&1 && break; kill -0 $dockerd_pid 2> /dev/null || break; sleep 0.1; done
	zstd -dc "$material"/kind-node-*.tar.zst | timeout 200 docker load > "$work/load.log" 2>&1 || { tail -n 5 "$work/docker.log" "$work/load.log" | sed 's/^/# /'; return 1; }
}

# Also what it started and left behind when it was killed.
docker_stop() {
	local id
	[ -n "$dockerd_pid" ] || return 0
	for id in $(timeout 20 docker ps -aq 2> /dev/null); do timeout 60 docker rm -fv "$id" > /dev/null 2>&1; done
	timeout 20 docker network prune -f > /dev/null 2>&1
	kill $dockerd_pid 2> /dev/null; wait $dockerd_pid 2> /dev/null
	[ -f "$work/docker/exec/containerd/containerd.pid" ] && kill "$(cat "$work/docker/exec/containerd/containerd.pid")" 2> /dev/null
	for file in $(grep -lsF -- "$work" /proc/[0-9]*/cmdline); do
		case $({ tr '\0' ' ' < "$file"; } 2> /dev/null) in *containerd*) file=${file#/proc/}; kill -9 "${file%/cmdline}" 2> /dev/null ;; esac
	done
	# nodes whose daemon was killed under them: their root lies in our folder, and they are not in our mount namespace
	for file in $(grep -lsF -- "$work/docker/data" /proc/[0-9]*/mountinfo); do
		file=${file%/mountinfo}
		[ "$(readlink "$file/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || kill -9 "${file#/proc/}" 2> /dev/null
	done
	ip link del "$bridge" 2> /dev/null
	ip -4 -o addr | awk -v p="inet 10.$((octet_used + 1))." 'index($0, p) { print $2 }' | while read -r link; do ip link del "$link" 2> /dev/null; done
	dockerd_pid=
}
octet_used=0
kind_finish() {
	docker_stop
	sleep 0.2
	awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2> /dev/null; done
	remove_work
}
trap kind_finish EXIT

nodes() { timeout 20 docker ps -a --filter label=io.x-k8s.kind.cluster --format '{{.Names}}'; }

cluster_start() {
	export TEST_KUBECONFIG=$work/cluster-$1.kubeconfig TEST_CONTEXT=kind-$1
	timeout 300 kind create cluster --name "$1" --image $node_image --wait 120s --kubeconfig "$TEST_KUBECONFIG" > "$work/kind.log" 2>&1 ||
		{ tail -n 15 "$work/kind.log" | sed 's/^/# /'; return 1; }
}
cluster_stop() { timeout 100 kind delete cluster --name "$1" --kubeconfig "$TEST_KUBECONFIG" > /dev/null 2>&1; }
