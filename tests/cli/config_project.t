#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The configuration of a project comes with the package, from anywhere: it may only tighten. For every key there is, by the table of the options
# itself: what loosens is refused at its place, by its name and as 'null' nothing changes, and a key that this list does not know fails it.
. "$(dirname "$0")/lib.sh"
export HOME=$work/home XDG_CONFIG_HOME=$work/xdg
mkdir -p home xdg/sandbox_runner repo/.git
project=$work/repo/.sandbox_runner.yaml user=$work/xdg/sandbox_runner/config.yaml
(cd repo && wpk p)
cat > rows <<'TABLE'
files|o|[/etc/shadow]
limits.execution_time|n|31m 0s 9999h
policy|o|registry-compat
rules|o|[rules]
no_ignore|on|true
ignore_file|o|x
baseline|o|x
require|more|[memory]
format|any|json
report|o|[json:/tmp/x]
save_logs|o|/tmp/x
monitor_resources|any|true
security.fail_on_security|o|never
save_artifacts|o|/tmp/x
diff|any|true
exit_zero|o|true
cleanup.keep|o|1h
cleanup.keep_on_failure|o|1h
no_history|o|true
type|o|kind
runtime|o|docker
profile|o|permissive
rootfs|o|/
image|o|x
pull|o|always
offline|on|true
security.writable_root|off|true
security.net_bind_service|off|true
allow_host|o|[example.org]
security.allow_private|off|true
limits.network_bandwidth|n|101Mbps 0bps 10Gbps
security.no_observe|off|true
kubeconfig|o|x
context|o|x
yes|off|true
runtime_class|o|x
kind_image|o|x
kind_config|o|x
reuse_cluster|o|true
fixtures|o|x
event|o|x
dry_run|o|server
param|any|[A=b]
params_file|o|x
param_secret|o|[A=env:HOME]
limits.memory|n|5Gi 0 4294967297
limits.cpu|n|2001m 0 64
limits.pids|n|101 0 4000000000
limits.storage|n|11Gi 0 1Ti
limits.tmp_size|n|2Gi 0
limits.files|n|1025 0
limits.file_size|n|2Gi 0
limits.cpu_time|n|0s
limits.output|n|65Mi 0 1Ti
fail_on|o|never
security.allow_privileged|o|true
security.host_network|o|true
security.host_pid|o|true
security.host_ipc|o|true
security.drop_capabilities|o|[NET_RAW]
cleanup.auto_cleanup|o|false
cleanup.force_cleanup|o|false
cleanup.cleanup_timeout|o|1s
TABLE
"$SANDBOX_RUNNER" config show --config=none --format=json > shown
python3 - > keys <<'PY'
import json
print("\n".join(s["key"] for s in json.load(open("shown"))["settings"]))
PY
ok "every key is in this list, and no other" diff <(sort keys) <(cut -d '|' -f 1 rows | sort)

yaml() {	# key, value: as it stands in a file
	case $1 in *.*) printf 'sandbox:\n  %s: {%s: %s}\n' "${1%%.*}" "${1#*.}" "$2" ;; *) printf 'sandbox:\n  %s: %s\n' "$1" "$2" ;; esac
}
value_of() { "$SANDBOX_RUNNER" config show --format=json -- --wpk=repo/p.wpk.yaml 2> "$err" | python3 -c 'import json,sys; print(json.dumps([s["value"] for s in json.load(sys.stdin)["settings"] if s["key"] == sys.argv[1]]))' "$1" 2>> "$err"; }
refused() {	# by the run itself, before anything happens, at the value
	yaml "$1" "$2" > "$project"
	if [ "$1" = fail_on ]; then run scan repo/p.wpk.yaml; else run --wpk=repo/p.wpk.yaml; fi	# only scan has that one
	status 3 "a project says $1: $2"
	err_matches "^$project:2:[0-9]+: error: " "$1: $2: refused at its place"
}

: > "$user"
while IFS='|' read -r key trust values; do
	rm -f "$project"
	before=$(value_of "$key")
	case $trust in
	o) refused "$key" "$values" ;;
	n) for value in $values; do refused "$key" "$value"; done ;;
	off) refused "$key" "$values"
	     yaml "$key" true > "$user"; yaml "$key" false > "$project"; run config show -- --wpk=repo/p.wpk.yaml; status 0 "$key: false after the user's true tightens"
	     [ "$(value_of "$key")" = '["false"]' ]; result $? "$key: and holds" ;;
	on)  yaml "$key" true > "$user"; refused "$key" false
	     : > "$user"; yaml "$key" true > "$project"; [ "$(value_of "$key")" = '["true"]' ]; result $? "$key: true tightens" ;;
	more) yaml "$key" '[seccomp]' > "$user"; yaml "$key" "$values" > "$project"
	      case $(value_of "$key") in *seccomp*memory*) result 0 "$key: is added to" ;; *) result 1 "$key: is added to" ;; esac ;;
	any) yaml "$key" "$values" > "$project"; run config show -- --wpk=repo/p.wpk.yaml; status 0 "$key: is the project's to say" ;;
	esac
	: > "$user"
	case $key in *privileged|*host_*|*capabilities|cleanup.auto*|cleanup.force*|cleanup.cleanup*) continue ;; esac
	yaml "$key" null > "$project"; [ "$(value_of "$key")" = "$before" ]; result $? "$key: null changes nothing"
done < rows

run config show --config=none; out_matches '^limits.network_bandwidth +100Mbps +profile' "what holds is shown once"

# a number that the user's file has tightened cannot go back up to the usual one, nor by way of a profile
printf 'sandbox: {profile: restrictive, limits: {memory: 100Mi}}\n' > "$user"
refused limits.memory 101Mi; refused profile standard; refused profile permissive
printf 'sandbox:\n  {profile: restrictive, limits: {pids: 100000}}\n' > "$project"; run --wpk=repo/p.wpk.yaml; status 3 "a profile of its own is no way up"
: > "$user"; printf 'sandbox:\n  {profile: restrictive, limits: {memory: 2Gi}}\n' > "$project"; run --wpk=repo/p.wpk.yaml; status 3 "what it tightens by one key it cannot loosen by another"
finish
