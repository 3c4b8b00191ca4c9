# SPDX-License-Identifier: Apache-2.0
# lib.sh: a container engine of our own, in a temporary folder, on a private socket. On top of tests/crash/lib.sh it gives
#	engines				the names of those that run here; says why of the others
#	engine_start NAME|engine_stop	as $engine, found by the runner through its variable; $socket
#	api METHOD PATH			ask it, answer on standard output
#	ours				what it has of us: containers, images; and what the kernel has: cgroups, processes. A line each
#	busybox_image NAME		an image with a shell, imported from this host; fails without busybox
. "$(dirname "${BASH_SOURCE[0]}")/../crash/lib.sh"
[ "$(id -u)" = 0 ] || { echo "only root can start an engine of its own"; exit 77; }
engine= socket= engine_pid=
unset DOCKER_HOST CONTAINER_HOST	# podman started with one is only a client

engines() {
	local name found=
	for name in docker podman; do
		if [ $name = docker ] && ! command -v dockerd > /dev/null; then echo "# dockerd is not installed" >&2
		elif [ $name = podman ] && ! command -v podman > /dev/null; then echo "# podman is not installed" >&2
		elif ! command -v curl > /dev/null; then echo "# curl is not installed" >&2
		else found="$found $name"; fi
	done
	echo "$found"
}

engine_start() {
	engine=$1 socket=$work/$1.sock
	mkdir -p "$work/$engine"
	case $engine in
	docker)	env -u DOCKER_HOST dockerd --data-root "$work/docker/data" --exec-root "$work/docker/exec" --pidfile "$work/docker/pid" -H "unix://$socket" \
			--bridge=none --iptables=false > "$work/docker.log" 2>&1 < /dev/null &
		export DOCKER_HOST=unix://$socket ;;
	podman)	local runtime=(); command -v runc > /dev/null && runtime=(--runtime runc)	# crun refuses hosts with both cgroup versions
		env -u CONTAINER_HOST podman --root "$work/podman/root" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp" "${runtime[@]}" --cgroup-manager cgroupfs \
			--events-backend file system service -t 0 "unix://$socket" > "$work/podman.log" 2>&1 < /dev/null &
		export CONTAINER_HOST=unix://$socket ;;
	esac
	engine_pid=$!
	for _ in $(seq 150); do api GET /_ping > /dev/null && return; kill -0 $engine_pid 2> /dev/null || break; sleep 0.1; done
	sed 's/^/# /' "$work/$engine.log" | tail -n 5
	return 1
}

# Also what it started and left behind when it was killed.
engine_stop() {
	local file
	[ -n "$engine_pid" ] || return 0
	kill $engine_pid 2> /dev/null; wait $engine_pid 2> /dev/null
	for file in "$work/docker/exec/containerd/containerd.pid"; do
		[ -f "$file" ] && kill "$(cat "$file")" 2> /dev/null
	done
	for file in $(grep -lsF -- "$work" /proc/[0-9]*/cmdline); do	# shims and monitors have the folder in their arguments
		case $({ tr '\0' ' ' < "$file"; } 2> /dev/null) in
		*containerd*|*conmon*|*catatonit*) file=${file#/proc/}; kill -9 "${file%/cmdline}" 2> /dev/null ;;
		esac
	done
	engine_pid=
}
engine_finish() {
	engine_stop
	sleep 0.2
	awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2> /dev/null; done
	remove_work
}
trap engine_finish EXIT

api() { curl -sf -X "$1" --max-time 20 --unix-socket "$socket" "http://engine$2"; }
labelled='filters=%7B%22label%22%3A%5B%22sandbox_runner.run%22%5D%7D'

container_ids() { api GET "/v1.41/containers/json?all=1&$labelled" | python3 -c 'import json,sys; [print(c["Id"]) for c in json.load(sys.stdin)]' 2> /dev/null; }
ours() {
	container_ids | sed 's/^/container /'
	api GET "/v1.41/images/json?all=1&$labelled" | python3 -c 'import json,sys; [print("image", i["Id"]) for i in json.load(sys.stdin)]' 2> /dev/null
	find /sys/fs/cgroup -type d \( -path '*docker*' -o -path '*libpod*' \) 2> /dev/null | grep -E '[0-9a-f]{64}' | comm -13 <(printf '%s\n' "$engine_cgroups_before") <(sort) | grep . | sed 's/^/cgroup /'
	grep -lsF /.sandbox_runner/init /proc/[0-9]*/cmdline | while read -r file; do
		case $({ tr '\0' '\n' < "$file"; } 2> /dev/null | head -n 1) in /.sandbox_runner/init) echo "process $file" ;; esac
	done
}
engine_cgroups_before=$(find /sys/fs/cgroup -type d \( -path '*docker*' -o -path '*libpod*' \) 2> /dev/null | grep -E '[0-9a-f]{64}' | sort)
until_none_of_ours() { local i; for i in $(seq "${1:-50}"); do [ -z "$(ours)" ] && return; sleep 0.1; done; ours | sed 's/^/# left: /'; return 1; }

busybox_image() {
	local root=$work/busybox applet
	command -v busybox > /dev/null && ! ldd "$(command -v busybox)" > /dev/null 2>&1 || return 1
	mkdir -p "$root/bin" "$root/etc" && cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in sh cat ls id touch echo true sleep grep head; do ln -sf busybox "$root/bin/$applet"; done
	echo "of the image" > "$root/etc/marker"
	tar -C "$root" -c . | curl -sf --max-time 60 --unix-socket "$socket" -X POST -H 'Content-Type: application/x-tar' --data-binary @- \
		"http://engine/v1.41/images/create?fromSrc=-&repo=$1${2:-}" > "$work/.import"
}
