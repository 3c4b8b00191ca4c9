#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Configuration files: what can stand in one, who wins, what a project's must not do, and what show and check say.
. "$(dirname "$0")/lib.sh"
unset XDG_CONFIG_HOME
user=$HOME/.config/sandbox_runner/config.yaml
mkdir -p "$(dirname "$user")" repo/.git repo/ops/deep other
wpk good
cp good.wpk.yaml repo/ops/deep/p.wpk.yaml; cp good.wpk.yaml other/p.wpk.yaml
project=$work/repo/.sandbox_runner.yaml

says() { out_matches "^$1 +$2 +$3\$" "show: $1 is $2 by $3"; }

run config show; status 0 "show without any file"
says limits.memory 4Gi profile; says type auto default; says security.allow_privileged false always; says limits.cpu_time - profile
run config show -- --profile=restrictive; says limits.memory 512Mi profile; says profile restrictive 'flag --profile'

cat > "$user" <<'YAML'
sandbox:
  type: ~
  limits:
    cpu: "2"
    memory: "512Mi"
    storage: "1Gi"
    execution_time: "30m"
    network_bandwidth: "100Mbps"
    pids: 60
  security:
    allow_privileged: false
    host_network: false
    host_pid: false
    drop_capabilities: [ALL]
    add_capabilities: [NET_BIND_SERVICE]
  cleanup:
    auto_cleanup: true
    cleanup_timeout: "5m"
    force_cleanup: true
  require: seccomp
YAML
run config check "$user"; status 0 "the sections of the seed are good"; out_has "good (8 settings)" "and counted"
run config show; says limits.memory 512Mi "file $user:5"; says security.net_bind_service true "file $user:15"; says type auto default
SANDBOX_RUNNER_MEMORY=600Mi run config show; says limits.memory 600Mi 'environment SANDBOX_RUNNER_MEMORY'
SANDBOX_RUNNER_MEMORY=600Mi run config show -- --memory=700Mi; says limits.memory 700Mi 'flag --memory'
XDG_CONFIG_HOME=$work/nowhere run config show; says limits.memory 4Gi profile
run config show --config=none; says limits.memory 4Gi profile
run config show --format=json; json '[s for s in d["settings"] if s["key"] == "limits.pids"][0] == {"key": "limits.pids", "value": "60", "origin": "file", "place": "'"$user"':9"}'
json '[f["level"] for f in d["files"]] == ["user"]'
run --wpk=good.wpk.yaml --format=json; status 0 "a run with it"
json '[c["requested"] for c in d["enforcement"] if c["control"] == "memory"] == ["512Mi"]' "the limit is that of the file"
run --wpk=good.wpk.yaml --format=json --memory=1Gi; json '[c["requested"] for c in d["enforcement"] if c["control"] == "memory"] == ["1Gi"]' "the command line wins"

# a project: tighter is taken, looser is refused at its place
echo 'sandbox: {limits: {memory: 256Mi, pids: 60, execution_time: 1m}, require: [memory], security: {add_capabilities: []}}' > "$project"
run config show -- --wpk=repo/ops/deep/p.wpk.yaml
says limits.memory 256Mi "file $project:1"; says require 'seccomp, memory' "file $user:20, $project:1"; says security.net_bind_service false "file $project:1"
run --wpk=repo/ops/deep/p.wpk.yaml --format=json; json '[c["requested"] for c in d["enforcement"] if c["control"] == "memory"] == ["256Mi"]' "a run in the project"
run --wpk=repo/ops/deep/p.wpk.yaml --memory=300Mi --format=json; json '[c["requested"] for c in d["enforcement"] if c["control"] == "memory"] == ["300Mi"]' "the operator still decides"
(cd repo/ops && run config show && out_matches "^limits.memory +256Mi" "without a package the current folder decides" && exit "$tests") > "$work/.sub"; tests=$?; cat "$work/.sub"
run config show -- --wpk=other/p.wpk.yaml; says limits.memory 512Mi "file $user:5"
echo 'sandbox: {limits: {memory: 1Mi}}' > .sandbox_runner.yaml
run config show -- --wpk=other/p.wpk.yaml; says limits.memory 512Mi "file $user:5"	# outside of repository and home only the folder itself
run config show -- --wpk=good.wpk.yaml; says limits.memory 1Mi "file $work/.sandbox_runner.yaml:1"
rm .sandbox_runner.yaml

# what it says | file:line:column of the value | in the message
while IFS='|' read -r yaml place text; do
	[ -n "$yaml" ] || continue
	printf 'sandbox:\n  %s\n' "$yaml" > "$project"
	run --wpk=repo/ops/deep/p.wpk.yaml; status 3 "a project says $yaml"
	err_has "$project:$place: error: " "at $place"; err_has "$text" "saying: $text"
	case $yaml in *execution_time*) ;; *) run plan repo/ops/deep/p.wpk.yaml; status 3 "for plan too" ;; esac
	run config check "$project"; status 3 "and check"; out_has "$text" "which says the same"
done <<'TABLE'
limits: {memory: 1Gi}|2:20|'1Gi' would loosen 'memory', which is 512Mi without this file
limits: {pids: 61}|2:18|which is 60 without this file
limits: {files: 1025}|2:19|which is 1024 without this file
limits: {execution_time: 31m}|2:28|would loosen 'execution_time', which is 30m
profile: permissive|2:12|'permissive' would loosen 'profile', which is 'default'
policy: registry-compat|2:11|'policy' cannot be set by the configuration of a project
runtime: docker|2:12|'runtime' cannot be set
files: [/etc/shadow]|2:10|'files' cannot be set
report: [json:/tmp/x]|2:11|'report' cannot be set
rules: [rules]|2:10|'rules' cannot be set
TABLE
printf 'sandbox:\n  no_ignore: true\n  profile: standard\n  limits: {memory: 1Gi}\n' > "$project"
run --wpk=repo/ops/deep/p.wpk.yaml --config=/dev/null; status 3 "a config that is no file"; err_has "/dev/null" "is named"
echo 'sandbox: {}' > empty.yaml
run --wpk=repo/ops/deep/p.wpk.yaml --config=empty.yaml; status 0 "a tighter profile, and limits as far as it allows"
echo 'sandbox: {fail_on: never}' > "$project"; run scan repo/ops/deep/p.wpk.yaml; status 3 "scan: a project that never fails"; err_has "'never' would loosen 'fail_on', which is 'high'" "is refused"
echo 'sandbox: {fail_on: low}' > "$project"; run scan repo/ops/deep/p.wpk.yaml; status 0 "scan: a project that is stricter"
echo 'sandbox: {' > "$project"; run --wpk=repo/ops/deep/p.wpk.yaml; status 3 "a project's file that is no YAML"; err_has "$project:" "is named"
run --wpk=repo/ops/deep/p.wpk.yaml --config=none; status 0 "none goes without any"
rm "$project"; mkfifo "$project"; run --wpk=repo/ops/deep/p.wpk.yaml; status 3 "a FIFO does not block"; rm "$project"

# key | what is said
while IFS='|' read -r yaml text; do
	[ -n "$yaml" ] || continue
	printf 'sandbox:\n  %s\n' "$yaml" > bad.yaml
	run config check bad.yaml; status 3 "$yaml"; out_matches '^bad.yaml:2:[0-9]+: error: ' "has a place"; out_has "$text" "says: $text"
done <<'TABLE'
limits: {memroy: 1Gi}|unknown key 'memroy' in 'limits'; did you mean 'memory'?
limtis: {memory: 1Gi}|unknown key 'limtis' in 'sandbox'; did you mean 'limits'?
memory: 1Gi|it belongs into 'limits'
limits: {allow_privileged: false}|it belongs into 'security'
limits: {memory: 1Gi, memory: 2Gi}|memory
limits: {cpu: 1, cpus: 2}|it is set twice
limits: {memory: [1]}|has one value (SIZE), not a list
limits: {memory: 1Xi}|1Xi
limits: {memory: 1}|is too small
limits: [memory]|is a mapping of names to values, not a list
limits: {network_bandwidth: fast}|does not begin with a number
security: {allow_privileged: true}|'allow_privileged: true' cannot be honoured
security: {host_network: true}|never sees the host's network
security: {host_pid: true}|never sees the host's processes
security: {host_pid: maybe}|is true or false
security: {add_capabilities: [SYS_ADMIN]}|NET_BIND_SERVICE is the only one
security: {add_capabilities: [NET_BIND_SERVCE]}|did you mean 'NET_BIND_SERVICE'?
security: {drop_capabilities: [NET_RAW]}|a part cannot be dropped
cleanup: {auto_cleanup: false}|what a run makes is always removed
cleanup: {cleanup_timeout: 1s}|30s is the least
cleanup: {force_cleanup: false}|is always killed
type: knid|did you mean 'kind'?
require: {memory: true}|not a mapping
wpk: x|unknown key 'wpk'
TABLE
echo 'limits: {memory: 1Gi}' > bad.yaml; run config check bad.yaml; status 3 "a section at the top"
printf 'sandbox:\n  lmits: {}\n  secrity: {}\n' > bad.yaml; run config check bad.yaml; ok "all faults at once" test "$(grep -c error: "$out")" = 2
run config check --format=json bad.yaml; json 'not d["valid"] and [f["line"] for f in d["findings"]] == [2, 3]'
mkdir rules-dir house; printf 'sandbox: {ignore_file: here.yaml, policy: default}\n' > house/c.yaml
run config show --config=house/c.yaml; says ignore_file house/here.yaml "file house/c.yaml:1"; says policy default "file house/c.yaml:1"

for args in "config" "config shwo" "config check" "config show --nonsense"; do run $args; status 2 "$args"; done
run config check nothing.yaml; status 3 "no such file"
run --wpk=good.wpk.yaml --config=nothing.yaml; status 3 "--config of no such file"; err_has "nothing.yaml" "names it"
if [ "$(id -u)" = 0 ] && mkdir -p etc up wk && in_mount_namespace true; then
	export SANDBOX_RUNNER user
	in_mount_namespace sh -c 'mkdir -p up/sandbox_runner && echo "sandbox: {limits: {memory: 300Mi, pids: 44}}" > up/sandbox_runner/config.yaml &&
		mount -t overlay overlay -o lowerdir=up:/etc /etc && "$SANDBOX_RUNNER" config show' > "$out" 2> "$err"; rc=$?
	if [ "$rc" = 0 ]; then says limits.memory 512Mi "file $user:5"; says limits.cpu 2000m "file $user:4"; says limits.pids 60 "file $user:9"
		rm "$user"
		in_mount_namespace sh -c 'mount -t overlay overlay -o lowerdir=up:/etc /etc && "$SANDBOX_RUNNER" config show' > "$out" 2> "$err"
		says limits.memory 300Mi 'file /etc/sandbox_runner/config.yaml:1'
	else skip "the system's file" "no overlay on /etc here"; fi
else skip "the system's file" "needs root"; fi
left_nothing "all of it"
finish
