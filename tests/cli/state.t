#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The state folder: which one it is, odd places for it, and places where it cannot be; then the run is refused with a sentence that
# says what to do, and nothing is made.
. "$(dirname "$0")/lib.sh"
wpk good
remedy='choose another one by --state-dir DIR or $SANDBOX_RUNNER_STATE_DIR'
empty() { [ -z "$(find "$1" -mindepth 1 ! -path "${1%/}/runs" ! -path "${1%/}/lock" ! -path "${1%/}/results*" ! -name history.ndjson 2> /dev/null)" ]; }
good_in() {	# what, folder: a run that has its state there, and leaves nothing
	run --wpk=good.wpk.yaml --format=json --state-dir="$2"; status 0 "$1"
	json 'd["verdict"] == "verified" and d["cleanup"]["complete"]' "$1: cleaned up"
	ok "$1: it was used" test -d "$2/runs"
	ok "$1: nothing is left in it" empty "$2"
}
refused_in() {	# what, folder, in the message
	local before; before=$(find "$work" | sort)
	run --wpk=good.wpk.yaml --state-dir="$2"; status 5 "$1"
	err_has "$3" "$1: says: $3"; err_has "$remedy" "$1: says what to do"
	out_lacks "hello" "$1: nothing was run"
	ok "$1: nothing was made" test "$before" = "$(find "$work" | sort)"
}

# which one
unset SANDBOX_RUNNER_STATE_DIR
run --wpk=good.wpk.yaml; status 0 "without any option"; ok "it is below HOME" test -d "$HOME/.local/state/sandbox_runner/runs"
XDG_STATE_HOME=$work/xdg run --wpk=good.wpk.yaml; ok "XDG_STATE_HOME wins over HOME" test -d "$work/xdg/sandbox_runner/runs"
XDG_STATE_HOME=$work/xdg2 SANDBOX_RUNNER_STATE_DIR=$work/var run --wpk=good.wpk.yaml
ok "SANDBOX_RUNNER_STATE_DIR wins over both" test -d "$work/var/runs" -a ! -e "$work/xdg2"
SANDBOX_RUNNER_STATE_DIR=$work/var2 run --wpk=good.wpk.yaml --state-dir="$work/opt"
ok "--state-dir wins over all" test -d "$work/opt/runs" -a ! -e "$work/var2"
ok "it is for us alone" test "$(stat -c %a "$work/opt" "$work/opt/runs" | tr '\n' ' ')" = "700 700 "
HOME=/nonexistent run validate good.wpk.yaml; status 0 "validate needs none"
HOME=/nonexistent run plan good.wpk.yaml; status 0 "plan needs none"
export SANDBOX_RUNNER_STATE_DIR=$work/state

# odd places
good_in "a relative one" sub/folder
good_in "a name with a blank, a quote and a newline" "$work/a b'
c"
good_in "a name that is not UTF-8" "$work/"$'st\xffate'
mkdir real; ln -s real link; good_in "a link to a folder" link
good_in "with a slash at the end" "$work/slash/"
long=$work; while [ ${#long} -lt 400 ]; do long=$long/$(printf '%060d' 0); done; good_in "a long path" "$long"

# places where it cannot be
echo text > file; mkfifo fifo; ln -s nowhere dangling; mkdir open; chmod 777 open
refused_in "a file" file "Not a directory"
refused_in "below a file" file/sub "Not a directory"
refused_in "a FIFO" fifo "Not a directory"
refused_in "a link to nothing" dangling "cannot use the state folder"
refused_in "a folder that others can write" open "others may write in the state folder"
err_has "chmod go-w" "and how to close it"
refused_in "a path that is too long" "$long/$long/$long" "too long"
run --wpk=good.wpk.yaml --state-dir=; status 2 "an empty name"
if [ "$(id -u)" = 0 ]; then
	mkdir -p foreign; chown 1000 foreign
	refused_in "somebody else's folder" foreign "belongs to user 1000, not to us (0)"
	mkdir ro; mount -t tmpfs -o mode=0700 sbx-state ro 2> /dev/null && mount -o remount,ro ro
	if mountpoint -q ro; then refused_in "a read-only file system" ro "Read-only file system"; umount ro
	else skip "a read-only file system" "cannot mount here"; fi
	mkdir full; mount -t tmpfs -o mode=0700,size=64k sbx-state full 2> /dev/null
	if mountpoint -q full; then
		mkdir -m 700 full/runs; : > full/lock; chmod 600 full/lock; cat /dev/zero > full/filler 2> /dev/null
		refused_in "a full file system" full "No space left on device"
		rm full/filler; good_in "the same when there is room" full
		umount full
		mount -t tmpfs -o mode=0700,nr_inodes=3 sbx-state full
		refused_in "a file system without a free inode" full/x/y/z "No space left on device"
		umount full
	else skip "a full file system" "cannot mount here"; fi
	chmod 755 "$work"; cp "$SANDBOX_RUNNER" tool; mkdir -m 555 closed
	as_user() { setpriv --reuid=4242 --regid=4242 --clear-groups env HOME="$work/closed" "$@" > "$out" 2> "$err"; rc=$?; }
	unset SANDBOX_RUNNER_STATE_DIR
	as_user ./tool --wpk=good.wpk.yaml; status 5 "a home where we must not write"
	err_has "Permission denied" "it says why"; err_has "$remedy" "and what to do"
	as_user env -u HOME ./tool --wpk=good.wpk.yaml; status 5 "no home at all"
	err_has "$remedy" "it says what to do"
else
	skip "folders of others, read-only and full ones" "takes root"
	mkdir -m 555 closed; refused_in "a folder where we must not write" closed/x "Permission denied"
fi
finish
