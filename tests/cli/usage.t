#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Help, usage errors, near misses, precedence. Nothing here makes anything.
. "$(dirname "$0")/lib.sh"
wpk good

run; status 2 "no argument is a usage error"
err_has "Usage: sandbox_runner [run] --wpk=SOURCE" "it shows the short usage"
out_is "" "stdout stays empty"
ok "the usage is short" test "$(wc -l < "$err")" -le 4

run --version; status 0 "--version"
out_matches '^sandbox_runner [0-9]+\.[0-9]+\.[0-9]+$' "it is one line"
ok "and nothing else" test "$(wc -l < "$out")" = 1
run version --format=json; json 'd["name"] == "sandbox_runner" and d["version"]' "version as JSON"

for args in --help -h help "help run" "run --help" "run -h" "validate --help" "plan --help" "gc --help" "doctor --help" "schema --help" \
	"completion --help" "version --help" "help --help" "man --help" "--wpk=x --help" "run --nonsense --help"; do
	run $args; status 0 "$args"
	out_has "Usage: sandbox_runner" "$args goes to stdout"
	err_is "" "$args leaves stderr empty"
done
SANDBOX_RUNNER_TIMEOUT=nonsense run run --help; status 0 "--help is answered whatever the environment says"
run --help; for c in run validate plan gc doctor schema completion version help; do out_matches "^  $c " "--help lists $c"; done
out_lacks "  man " "but no hidden command"
for code in 0 1 2 3 4 5 6 7 8 70 124 128; do out_matches "^ +$code  " "--help tells exit status $code"; done
for c in "" run validate plan gc doctor schema completion version help; do
	ok "help ${c:-overview} fits 80 columns" test "$("$SANDBOX_RUNNER" help $c | wc -L)" -le 80
done

# arguments | in the message
while IFS='|' read -r args text; do
	[ -n "$args" ] || continue
	run $args; status 2 "$args"
	err_has "$text" "$args: says: $text"
	out_is "" "$args: stdout stays empty"
	ok "$args: no help dump" test "$(wc -l < "$err")" -le 2
done <<'TABLE'
valdate x|unknown command 'valdate'; did you mean 'validate'?
xyzzy|unknown command 'xyzzy'
good.wpk.yaml|did you mean '--wpk=good.wpk.yaml'?
./good|did you mean '--wpk=./good'?
run --wpk=good.wpk.yaml extra|'run' takes no 'extra'
--wpk=good.wpk.yaml validate|the command 'validate' must come first
run|--wpk=SOURCE is missing
--wkp=good.wpk.yaml|unknown option '--wkp'; did you mean '--wpk'?
--wpk=good.wpk.yaml --tpye=kind|did you mean '--type'?
--wpk=good.wpk.yaml --time-out=5m|did you mean '--timeout'?
--wpk=good.wpk.yaml --keep=0|--keep: '0' is too small
--wpk=good.wpk.yaml --keep=soon|--keep: 
--wpk=good.wpk.yaml --report=json --wpk=other.wpk.yaml|--report of several packages needs a folder
--wpk=- --wpk=-|standard input can be read once
--wpk=good.wpk.yaml --monitor-everything|unknown option '--monitor-everything'
--wpk|option '--wpk' needs a value: --wpk=SOURCE
--wpk --type=container|option '--wpk' needs a value
--wpk=|--wpk: the value is empty
--wpk=good.wpk.yaml --type=knid|unknown value 'knid'; did you mean 'kind'?
--wpk=good.wpk.yaml --runtime=natvie|did you mean 'native'?
--wpk=good.wpk.yaml --profile=strict|unknown value 'strict'
--wpk=good.wpk.yaml --profile=restrictiv|did you mean 'restrictive'?
--wpk=good.wpk.yaml --format=jsno|did you mean 'json'?
--wpk=good.wpk.yaml --timeout=-5m|--timeout: duration '-5m' is negative
--wpk=good.wpk.yaml --timeout=5parsecs|unknown unit 'parsecs'
--wpk=good.wpk.yaml --timeout=0|--timeout: '0' is too small
--wpk=good.wpk.yaml --timeout=5x|unknown unit 'x'
--wpk=good.wpk.yaml --memory=512|too small, the least is 1Mi
--wpk=good.wpk.yaml --memory=lots|--memory: 
--wpk=good.wpk.yaml --memory=99999999999999999999|--memory: 
--wpk=good.wpk.yaml --cpus=0|--cpus: '0' is too small
--wpk=good.wpk.yaml --pids=0|--pids: '0' is too small
--wpk=good.wpk.yaml --pids=many|--pids: 
--wpk=good.wpk.yaml --nofile=3|--nofile: '3' is too small, the least is 16
--wpk=good.wpk.yaml --storage=2Mi --tmp-size=2Mi|--tmp-size is a part of --storage, which is 2Mi
--wpk=good.wpk.yaml --tmp-size=10Gi|--tmp-size is a part of --storage, which is 10Gi
--wpk=good.wpk.yaml --require=memroy|did you mean 'memory'?
--wpk=good.wpk.yaml --require=memory,bananas|there is no control 'bananas'
--wpk=good.wpk.yaml --report=jsn|did you mean 'json'?
--wpk=good.wpk.yaml --report=xml|unknown format 'xml'
--wpk=good.wpk.yaml --report=json:|the path after 'json:' is missing
--wpk=good.wpk.yaml --report=json --report=text|only one thing can be written to standard output
--wpk=good.wpk.yaml --report=text --format=json|only one thing can be written to standard output
--wpk=good.wpk.yaml --files=good.wpk.yaml:../up|must not hold '..'
--wpk=good.wpk.yaml --files=good.wpk.yaml:/abs|must be relative
--wpk=good.wpk.yaml --param=novalue|--param 'novalue' has no '='
--wpk=good.wpk.yaml --param=1X=v|--param: 
--wpk=good.wpk.yaml --param=PATH=v|--param: 
--wpk=good.wpk.yaml --quiet=yes|option '--quiet' takes no value
--wpk=good.wpk.yaml -z|unknown option '-z'
--wpk=good.wpk.yaml --color=purple|unknown value 'purple'
--wpk=- --param-secret A=-|standard input can be read once
validate|'validate' needs at least one file or folder
plan|'plan' needs at least one package
plan --timeout=5m good.wpk.yaml|unknown option '--timeout'
validate --wpk=good.wpk.yaml|unknown option '--wpk'
validate --format=ndjson good.wpk.yaml|unknown value 'ndjson'
schema result package|'schema' takes one name
schema resutl|did you mean 'result'?
completion|'completion' takes one shell
completion fihs|did you mean 'fish'?
doctor now|'doctor' takes no 'now'
version 1|'version' takes no '1'
help rnu|did you mean 'run'?
help run plan|'help' takes one command
TABLE

# precedence: command line, environment, default
SANDBOX_RUNNER_FORMAT=json run validate good.wpk.yaml; json 'd["valid"]' "the environment gives a default"
SANDBOX_RUNNER_FORMAT=json run validate --format=text good.wpk.yaml; out_is "" "the command line wins over it"
SANDBOX_RUNNER_FORMAT= run validate good.wpk.yaml; out_is "" "an empty variable is none"
SANDBOX_RUNNER_FORMAT=jsno run validate good.wpk.yaml; status 2 "a wrong variable is a usage error"
err_has "SANDBOX_RUNNER_FORMAT: unknown value 'jsno'; did you mean 'json'?" "it is named"

# options before the command, "--", clusters
run --color=never -q validate good.wpk.yaml; status 0 "common options may stand before the command"
run -q --state-dir "$work/state" validate good.wpk.yaml; status 0 "with a value of their own, too"
cp good.wpk.yaml ./--strange.wpk.yaml; run validate -- --strange.wpk.yaml; status 0 "-- ends the options"
run validate -qv good.wpk.yaml; status 0 "short options in one word"
printf -v evil 'x\033[2Jy'; run "$evil"; status 2 "escape sequences in an argument"
err_has 'x\x1b[2Jy' "they are shown, not obeyed"
left_nothing "usage errors"
finish
