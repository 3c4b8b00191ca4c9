#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every exit code of the README is produced here by what it stands for, and is the same for every output format. (70, a bug, is the one
# that no test can order.)
. "$(dirname "$0")/lib.sh"
wpk good
wpk simulated - <<< '    - {name: call, type: api, config: {url: "https://example.org/", method: GET}}'
wpk failing - <<< '    - {name: no, type: shell, config: {command: "exit 3"}}'
wpk invalid - <<< '    - {name: no, type: ftp, config: {command: "x"}}'
wpk unset - <<< '    - {name: no, type: shell, config: {command: "echo ${NOBODY_SET_THIS}"}}'
wpk slow - <<< '    - {name: wait, type: shell, config: {command: "echo waiting; sleep 60"}}'
wpk stubborn - <<< '    - {name: wait, type: shell, timeout: 1s, config: {command: "sleep 60"}}'
wpk flood - <<< '    - {name: talk, type: shell, config: {command: "head -c 100000 /dev/zero | tr \\\\0 x"}}'

each_format() {	# expected, what, argument…
	local code=$1 what=$2 format; shift 2
	for format in text json ndjson; do run "$@" --format=$format; status "$code" "$what, $format"; left_nothing "$what, $format"; done
}
each_format 0 "a step that passes" --wpk=good.wpk.yaml
each_format 0 "nothing but simulated steps" --wpk=simulated.wpk.yaml
each_format 1 "a step that fails" --wpk=failing.wpk.yaml
each_format 1 "a step that does not end within its timeout" --wpk=stubborn.wpk.yaml
each_format 0 "a step that fails, only reported" --wpk=failing.wpk.yaml --exit-zero
each_format 2 "a wrong value" --wpk=good.wpk.yaml --type=nonsense
each_format 3 "an invalid package" --wpk=invalid.wpk.yaml
each_format 3 "a parameter that is not set" --wpk=unset.wpk.yaml
each_format 3 "an invalid package stays invalid" --wpk=invalid.wpk.yaml --exit-zero
each_format 4 "a package that the policy refuses" --wpk="$repo/tests/fixtures/packages/refused.wpk.yaml"
err_has "refused: critical: the container is privileged" "a refused package: each reason is told"
each_format 0 "a refused package that somebody answers for" --wpk="$repo/tests/fixtures/packages/refused.wpk.yaml" --override="looked at"
each_format 4 "a refused package stays refused" --wpk="$repo/tests/fixtures/packages/refused.wpk.yaml" --exit-zero
each_format 5 "a sandbox type that is not there" --wpk=good.wpk.yaml --type=kind
DOCKER_HOST=unix:///nowhere/docker.sock each_format 5 "a runtime that is not there" --wpk=good.wpk.yaml --runtime=docker
each_format 5 "a state folder that cannot be made" --wpk=good.wpk.yaml --state-dir=/proc/nowhere/state
each_format 7 "more output than allowed" --wpk=flood.wpk.yaml --max-output=4Ki
each_format 0 "more output than allowed, only reported" --wpk=flood.wpk.yaml --max-output=4Ki --exit-zero
each_format 8 "a remote that cannot be reached" --wpk=http://127.0.0.1:9/x.wpk.yaml
each_format 124 "the deadline" --wpk=slow.wpk.yaml --timeout=1s
each_format 0 "the deadline, only reported" --wpk=slow.wpk.yaml --timeout=500ms --exit-zero

run validate invalid.wpk.yaml; status 3 "validate"
run plan invalid.wpk.yaml; status 3 "plan"
run plan "$repo/tests/fixtures/packages/refused.wpk.yaml"; status 4 "plan a refused package"
run plan "$repo/tests/fixtures/packages/refused.wpk.yaml" invalid.wpk.yaml good.wpk.yaml; status 3 "invalid weighs more than refused"

# a control that is not enforced here: a jail without any cgroup has no memory limit
if in_mount_namespace true; then
	in_mount_namespace sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' - "$SANDBOX_RUNNER" --wpk=good.wpk.yaml --require=memory > "$out" 2> "$err"; rc=$?
	status 5 "a required control that is not enforced"
	ok "it is named" grep -q "memory" "$out" "$err"
	left_nothing "a required control"
else
	skip "a required control that is not enforced" "needs a mount namespace"
fi

# 6: something is mounted below the scratch folder while the step runs, so that it cannot be removed
if in_mount_namespace true; then
	cat > busy.sh <<-'SH'
		"$SANDBOX_RUNNER" --wpk=slow.wpk.yaml --timeout=3s --format="$1" > "$2" 2> "$3" &
		for i in $(seq 1 100); do scratch=$(echo "$SANDBOX_RUNNER_STATE_DIR"/runs/r-*); [ -e "$scratch/journal" ] && grep -q intent "$scratch/journal" && break; sleep 0.05; done
		mkdir "$scratch/busy" && mount -t tmpfs none "$scratch/busy"
		wait $!
	SH
	sed -i 's/sleep 60/sleep 1/' slow.wpk.yaml
	for format in text json ndjson; do
		in_mount_namespace bash busy.sh $format "$out" "$err"; rc=$?
		status 6 "a clean-up that is not complete, $format"
		ok "it is told, $format" grep -qiE "busy|left|clean-?up" "$out" "$err"
		ok "the journal is kept for gc, $format" ls "$work"/state/runs/r-*/journal
		run gc; status 0 "gc finishes it, $format"
		left_nothing "after gc, $format"
	done
	sed -i 's/sleep 1/sleep 60/' slow.wpk.yaml
else
	skip "a clean-up that is not complete" "needs a mount namespace"
fi

# 128 + n: signals
for pair in INT:130 TERM:143 HUP:129 QUIT:131; do
	signal=${pair%:*} code=${pair#*:}
	start --wpk=slow.wpk.yaml; until_out waiting
	kill -$signal $pid; wait $pid; rc=$?
	status $code "SIG$signal"
	out_has "CANCELLED" "SIG$signal: the step says so"
	left_nothing "SIG$signal"
done
finish
