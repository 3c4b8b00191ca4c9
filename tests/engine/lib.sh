# SPDX-License-Identifier: Apache-2.0
# lib.sh: a container engine of our own, in a temporary folder, on a private socket. On top of tests/crash/lib.sh it gives
#	engines				the names of those that run here; says why of the others
#	engine_start NAME|engine_stop	as $engine, found by the runner through its variable; $socket
#	api METHOD PATH [SECONDS]	ask it, answer on standard output
#	within SECONDS COMMAND…		try until it succeeds; fails when it did not in time
#	ended PID			there is no such process, or nobody has buried it yet
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

within() { local end=$((SECONDS + $1)); shift; until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done; }
ended() { local stat; stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 0; stat=${stat##*) }; case $stat in Z*|X*) return 0 ;; esac; return 1; }

parent=sandbox-test-$$	# of control groups; podman takes none
engine_start() {
	engine=$1 socket=$work/$1.sock
	mkdir -p "$work/$engine"
	case $engine in
	docker)	env -u DOCKER_HOST dockerd --data-root "$work/docker/data" --exec-root "$work/docker/exec" --pidfile "$work/docker/pid" -H "unix://$socket" \
			--bridge=none --iptables=false \
			--cgroup-parent "/$parent" > "$work/docker.log" 2>&1 < /dev/null &
		export DOCKER_HOST=unix://$socket ;;
	podman)	local runtime=(); command -v runc > /dev/null && runtime=(--runtime runc)	# crun refuses hosts with both cgroup versions
		env -u CONTAINER_HOST podman --root "$work/podman/root" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp" "${runtime[@]}" --cgroup-manager cgroupfs \
			--events-backend file system service -t 0 "unix://$socket" > "$work/podman.log" 2>&1 < /dev/null &
		export CONTAINER_HOST=unix://$socket ;;
	esac
	engine_pid=$!
	within 60 engine_answers_or_ends && ! ended $engine_pid && return
	sed 's/^/# /' "$work/$engine.log" | tail -n 5
	return 1
}

engine_answers_or_ends() { api GET /_ping 2 > /dev/null || ended $engine_pid; }

# The engine and its containerd by SIGNAL; by SIGKILL when that does not help. A dockerd that starts takes one that nobody has
# buried yet for alive, and waits for it in vain.
engine_end() {
	local file=$work/docker/exec/containerd/containerd.pid pid
	kill "-$1" $engine_pid 2> /dev/null
	within 20 ended $engine_pid || { echo "# $engine does not end by $1"; kill -9 $engine_pid; }
	wait $engine_pid 2> /dev/null
	[ "$engine" = docker ] && [ -f "$file" ] || return 0
	pid=$(cat "$file"); kill "-$1" "$pid" 2> /dev/null
	within 10 ended "$pid" || kill -9 "$pid" 2> /dev/null
	rm -f "$file"
}

# Also what it started and left behind when it was killed.
engine_stop() {
	local file
	[ -n "$engine_pid" ] || return 0
	engine_end TERM
	for file in $(grep -lsF -- "$work" /proc/[0-9]*/cmdline); do	# shims and monitors have the folder in their arguments
		case $({ tr '\0' ' ' < "$file"; } 2> /dev/null) in
		*containerd*|*conmon*|*catatonit*) file=${file#/proc/}; kill -9 "${file%/cmdline}" 2> /dev/null ;;
		esac
	done
	find /sys/fs/cgroup -depth -type d -path "*/$parent*" -exec rmdir {} + 2> /dev/null
	engine_pid=
}
engine_finish() {
	engine_stop
	sleep 0.2
	awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2> /dev/null; done
	remove_work
}
trap engine_finish EXIT

api() { curl -sf -X "$1" --max-time "${3:-20}" --unix-socket "$socket" "http://engine$2"; }
labelled='filters=%7B%22label%22%3A%5B%22sandbox_runner.run%22%5D%7D'

ids() {	# that an engine does not answer is no "nothing"
	local answer rc
	answer=$(api GET "/v1.41/$1/json?all=1&$labelled"); rc=$?
	[ $rc != 28 ] || echo "(the engine does not answer)"
	grep -o '"Id":"[^"]*"' <<< "$answer" | cut -d '"' -f 4
}
# Of those in the list: docker keeps some there that it has forgotten, when two remove them at a time.
container_ids() {
	local id
	ids containers | while read -r id; do
		api GET "/v1.41/containers/${id// /%20}/json" > /dev/null; [ $? = 22 ] || echo "$id"
	done
}
engine_cgroups() {
	find /sys/fs/cgroup -type d \( -path "*/$parent/*" -o -path '*libpod*' \) 2> /dev/null | grep -E '[0-9a-f]{64}' | sort
}
ours() {
	local file
	container_ids | sed 's/^/container /'
	ids images | sed 's/^/image /'
	engine_cgroups | comm -13 <(printf '%s\n' "$engine_cgroups_before") - | grep . | sed 's/^/cgroup /'
	for file in $(grep -lsF /.sandbox_runner/init /proc/[0-9]*/cmdline); do
		case $({ tr '\0' '\n' < "$file"; } 2> /dev/null | head -n 1) in
		/.sandbox_runner/init) grep -qsF "${work##*/}" "${file%cmdline}mountinfo" && echo "process $file" ;;
		esac
	done
}
engine_cgroups_before=$(engine_cgroups)
until_none_of_ours() {	# tenths of a second
	local end=$((SECONDS + ${1:-50} / 10 + 1))
	while [ -n "$(ours)" ]; do [ $SECONDS -lt $end ] || { ours | sed 's/^/# left: /'; return 1; }; sleep 0.05; done
}

busybox_image() {
	local root=$work/busybox applet
	command -v busybox > /dev/null && ! ldd "$(command -v busybox)" > /dev/null 2>&1 || return 1
	mkdir -p "$root/bin" "$root/etc" && cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in sh cat ls id touch echo true sleep grep head; do ln -sf busybox "$root/bin/$applet"; done
	echo "of the image" > "$root/etc/marker"
	tar -C "$root" -c . | curl -sf --max-time 60 --unix-socket "$socket" -X POST -H 'Content-Type: application/x-tar' --data-binary @- \
		"http://engine/v1.41/images/create?fromSrc=-&repo=$1${2:-}" > "$work/.import"
}
