# SPDX-License-Identifier: Apache-2.0
# lib.sh: run a script as root in a small Linux virtual machine, so that hosts with cgroup v1 can test cgroup v2 and sysctls are nobody else's.
#
#	vm_enter "$0"		in a .t: on the host boots the VM with this very file and exits as it does; in the VM goes on
#	vm_run SCRIPT [SECONDS]	the script's output on stdout, its exit status; 125 when the VM did not come to the end
#
# Plain QEMU emulation (no KVM), the distribution's kernel taken out of its package (kept in build/vm, never installed; or
# SANDBOX_RUNNER_TEST_KERNEL=FILE), the host's shell and tools with their libraries as root file system. A boot takes 2 to 3 s.
# /init mounts what a host has and cgroup v2. Sourced by bash, from the root of the repository.
: "${SANDBOX_RUNNER:=$PWD/sandbox_runner}"
vm_cache=build/vm
vm_tools='bash sh awk cat chmod chown cp cut date dd dirname echo env expr false find grep head id jq kill ln ls mkdir mktemp mount mv nice nproc
	printf prlimit ps readlink rm rmdir sed seq setpriv setsid sh sha256sum sleep sort stat tail tar taskset tee timeout touch tr true truncate umount uname uniq unshare wc'

# The machine that boots needs: an x86-64 host with qemu, a static busybox, a kernel. Says what is missing and skips the whole test (exit 77).
vm_skip() { printf '%s\n' "$1"; exit 77; }

vm_need() {
	[ "$(uname -m)" = x86_64 ] || vm_skip "the test VM is x86-64 only"
	command -v qemu-system-x86_64 > /dev/null || vm_skip "no qemu-system-x86_64 (apt-get install qemu-system-x86)"
	vm_busybox=$(command -v busybox) || vm_skip "no busybox (apt-get install busybox-static)"
	ldd "$vm_busybox" > /dev/null 2>&1 && vm_skip "busybox is not static (apt-get install busybox-static)"
	case " ${vm_want:-} " in *" python "*) [ -x /usr/bin/python3 ] || vm_skip "no /usr/bin/python3" ;; esac
	command -v jq > /dev/null || vm_skip "no jq (apt-get install jq)"
	vm_kernel || vm_skip "no kernel for the VM: $vm_kernel_why"
}

# Sets vm_vmlinuz. The kernel package that the distribution's meta package depends on is downloaded with apt (which checks its
# signature) and unpacked; nothing is installed. Needs no root.
vm_kernel() {
	vm_vmlinuz=${SANDBOX_RUNNER_TEST_KERNEL:-$vm_cache/vmlinuz}
	[ -r "$vm_vmlinuz" ] && return
	[ -z "${SANDBOX_RUNNER_TEST_KERNEL:-}" ] || { vm_kernel_why="SANDBOX_RUNNER_TEST_KERNEL names no readable file"; return 1; }
	local meta image dir
	for meta in linux-image-cloud-amd64 linux-image-virtual; do
		image=$(LC_ALL=C apt-cache depends "$meta" 2> /dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
		[ -n "$image" ] && break
	done
	[ -n "$image" ] || { vm_kernel_why="apt knows no linux-image-cloud-amd64 or linux-image-virtual (apt-get update)"; return 1; }
	mkdir -p "$vm_cache" && dir=$(mktemp -d "$vm_cache/kernel.XXXXXX") || { vm_kernel_why="cannot write to $vm_cache"; return 1; }
	(cd "$dir" && timeout 120 apt-get download -q "$image" && dpkg-deb -x ./*.deb . && mv boot/vmlinuz-* vmlinuz) > "$dir/log" 2>&1 &&
		mv "$dir/vmlinuz" "$vm_vmlinuz"
	local rc=$?
	[ "$rc" = 0 ] || vm_kernel_why="$(grep -m 1 '^[EW]:' "$dir/log" || tail -n 1 "$dir/log") (downloading $image)"
	rm -rf "$dir"
	return "$rc"
}

# vm_copy ROOT FILE…: each file and the libraries it is linked with, at the same place below ROOT
vm_copy() {
	local root=$1 f; shift
	for f in "$@" $(ldd "$@" 2> /dev/null | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\/.*[^:]$/) print $i }' | sort -u); do
		[ -e "$root$f" ] || { mkdir -p "$root${f%/*}" && cp -L "$f" "$root$f"; } || return 1
	done
}

# vm_python ROOT: the distribution's interpreter, and of its library what the tests import
vm_python() {
	local files
	files=$(/usr/bin/python3 -I -c 'import sys, os, ctypes, json, mmap, resource, select, signal, socket, struct, subprocess, time
print(os.path.realpath(sys.executable), *{f for m in list(sys.modules.values()) for f in (getattr(m, "__file__", None), getattr(m, "__cached__", None))
	if f and os.path.isfile(f)})') && vm_copy "$1" $files && ln -sf "$(basename "${files%% *}")" "$1/usr/bin/python3"
}

# vm_image ROOT SCRIPT NONCE: lay out the root file system
vm_image() {
	local root=$1 d tools=()
	chmod 755 "$root"
	mkdir -p "$root"/{proc,sys,dev,run,tmp,mnt,root,home/user,etc/alternatives,usr/games,usr/share,usr/src,var/tmp,usr/local/bin,vm/wpk-examples} || return 1
	for d in bin sbin lib lib64; do	# a merged /usr stays one
		if [ -L "/$d" ]; then mkdir -p "$root/$(readlink "/$d")" && cp -P "/$d" "$root/"; else mkdir -p "$root/$d"; fi
	done
	for d in $vm_tools; do tools+=("$(type -P "$d")") || { echo "no $d on this host" >&2; return 1; }; done
	vm_copy "$root" "${tools[@]}" || return 1
	cp "$vm_busybox" "$root/bin/busybox" || return 1
	case " ${vm_want:-} " in *" python "*) vm_python "$root" || return 1 ;; esac
	case " ${vm_want:-} " in *" runtimes "*) for d in runc crun; do
		! type -P "$d" > /dev/null || vm_copy "$root" "$(type -P "$d")" || return 1
	done ;; esac
	if [ -x "$SANDBOX_RUNNER" ]; then	# with its libraries, and the one it loads at first use
		cp "$SANDBOX_RUNNER" "$root/usr/local/bin/sandbox_runner" || return 1
		vm_copy "$root" $(ldd "$SANDBOX_RUNNER" | grep -o '/[^ ]*') \
			$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p | awk '/libarchive\.so\.13.*x86-64/ { print $NF; exit }') || return 1
	fi
	for d in "${BUILD:-build/gcc}"/escape/*; do [ ! -f "$d" ] || [ ! -x "$d" ] || cp "$d" "$root/vm/"; done
	mkdir -p "$root/vm/unit" && for d in "${BUILD:-build/gcc}"/unit/sandboxes/*_test; do
		[ ! -x "$d" ] || { cp "$d" "$root/vm/unit/" && vm_copy "$root" $(ldd "$d" | grep -o '/[^ ]*'); } || return 1
	done
	cp wpk-examples/*.wpk.yaml "$root/vm/wpk-examples/" 2> /dev/null
	printf 'root:x:0:0::/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' > "$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n' > "$root/etc/group"
	printf 'root:!CANARY-shadow:1::::::\n' > "$root/etc/shadow" && chmod 600 "$root/etc/shadow"
	cp tests/vm/lib.sh tests/vm/guest.sh "$root/vm/" && cp "$2" "$root/vm/script" || return 1
	printf '%s\n' "$3" > "$root/vm/nonce"
	cp tests/vm/init "$root/init" && chmod 755 "$root/init"
}

vm_run() {
	local dir khz nonce=$RANDOM$RANDOM rc
	dir=$(mktemp -d) || return 125
	mkdir "$dir/root"
	if ! vm_image "$dir/root" "$1" "$nonce" || ! (cd "$dir/root" && find . | "$vm_busybox" cpio -o -H newc -R 0:0 > ../image 2> /dev/null); then
		rm -rf "$dir"; echo "# cannot make the image of the VM" >&2; return 125
	fi
	rm -rf "$dir/root"
	# the kernel says nothing below a panic; a panic and the end of /init both end qemu, by -no-reboot. On a busy host its clock
	# calibration fails and, without another clock, it would hang: the time stamp counter of an emulated cpu is the host's
	khz=$(awk -F: '/^cpu MHz/ { printf "tsc_early_khz=%d", $2 * 1000; exit }' /proc/cpuinfo)
	timeout -k 5 "${2:-240}" qemu-system-x86_64 -M microvm,accel=tcg,rtc=on -smp 2 -m "${vm_memory:-768}" -nodefaults -no-user-config -display none \
		-no-reboot -serial stdio -kernel "$vm_vmlinuz" -initrd "$dir/image" \
		-append "console=ttyS0 quiet loglevel=1 panic=-1 reboot=t $khz" < /dev/null 2> "$dir/qemu" |
		tr -d '\r' | awk -v nonce="$nonce" -v log_file="$dir/console" '
			index($0, "VM-END " nonce) { split($0, w, " "); rc = w[3]; ended = 1; inside = 0 }
			inside { print; fflush() }
			!inside { print > log_file }
			$0 == "VM-BEGIN " nonce { inside = 1 }
			END { exit ended ? rc : 125 }'
	rc=${PIPESTATUS[2]}
	[ "$rc" != 125 ] || tail -n 25 "$dir/qemu" "$dir/console" 2> /dev/null | sed 's/^/# /' >&2
	rm -rf "$dir"
	return "$rc"
}

vm_enter() {
	if [ -n "${VM_GUEST:-}" ]; then . /vm/guest.sh; return; fi
	vm_need
	[ -x "$SANDBOX_RUNNER" ] || { echo "$SANDBOX_RUNNER is not built"; exit 1; }
	vm_run "$@"
	exit
}
