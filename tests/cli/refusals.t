#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A package that does not come to a run has a result like any other: one document that fits the schema, the same for every --report, and a
# verdict event as the last line of NDJSON.
. "$(dirname "$0")/lib.sh"
wpk good
wpk privileged - <<'END'
    - name: h
      steps:
        - {name: x, container: {image: "a:1", securityContext: {privileged: true}}}
END
wpk broken - <<< '    - {name: no, type: shel, config: {command: "true"}}'
wpk unset - <<< '    - {name: no, type: shell, config: {command: "echo ${NOBODY_SET_IT}"}}'
"$SANDBOX_RUNNER" schema result > schema.json
if python3 -c 'from jsonschema import Draft202012Validator' 2> /dev/null; then validator=yes; else validator=; fi

refused() {	# what, exit status, error code, arguments…
	local what=$1 code=$2 word=$3; shift 3
	run "$@" --format=json --report=json:report.json
	status "$code" "$what"
	json "d['verdict'] == 'error' and d['error']['code'] == '$word' and d['cleanup']['complete'] and d['steps'] == []" "$what: the document says $word"
	ok "$what: the report is the same document" python3 -c 'import json,sys; a,b=[json.load(open(p)) for p in sys.argv[1:]]; sys.exit(a != b)' "$out" report.json
	if [ -n "$validator" ]; then
		ok "$what: it fits the schema" python3 -c 'import json,sys; from jsonschema import Draft202012Validator as V; V(json.load(open("schema.json"))).validate(json.load(open(sys.argv[1])))' "$out"
	else
		skip "$what: it fits the schema" "no python3-jsonschema, or one before 4"
	fi
	run "$@" --format=ndjson
	status "$code" "$what, as events"
	ok "$what: the last event is the verdict" python3 -c 'import json,sys; d=json.loads(open(sys.argv[1]).read().splitlines()[-1]); sys.exit(d["type"] != "verdict" or d["verdict"] != "error")' "$out"
	left_nothing "$what"
}
refused "an invalid package" 3 invalid_input --wpk=broken.wpk.yaml
refused "a parameter that nobody set" 3 invalid_input --wpk=unset.wpk.yaml
refused "a missing file" 3 invalid_input --wpk=nowhere.wpk.yaml
refused "a package that the policy refuses" 4 permission_denied --wpk=privileged.wpk.yaml
refused "a sandbox that does not exist yet" 5 unavailable --wpk=good.wpk.yaml --type=kind
for command in "--wpk=" "validate " "plan "; do
	run ${command}https://me:hunter2@127.0.0.1:9/x.wpk.yaml --format=json
	out_lacks hunter2 "${command}URL: the password is not repeated"; err_lacks hunter2 "${command}URL: nor on stderr"
	cat "$err" >> "$out"; out_has '***@' "${command}URL: and its place is shown"
done

# what a runtime cannot give is refused by its name, with where it can be had, before anything is asked of it
while read -r runtime option text; do
	run --wpk=good.wpk.yaml --runtime="$runtime" "$option" --format=json; status 5 "$runtime $option"
	json "d['error']['code'] == 'unavailable' and \"\"\"$text\"\"\" in d['error']['message'] and d['cleanup']['complete']" "$runtime $option: $text"
done <<'TABLE'
runc --writable-root 'runc' cannot give a writable root; use --runtime=native
crun --writable-root 'crun' cannot give a writable root; use --runtime=native
runsc --writable-root 'runsc' cannot give a writable root; use --runtime=native
docker --writable-root 'docker' cannot give a writable root; use --runtime=native
podman --writable-root 'podman' cannot give a writable root; use --runtime=native
runc --allow-host=example.org runtime 'runc' cannot keep to a list of allowed hosts; use --runtime=native
crun --allow-host=example.org runtime 'crun' cannot keep to a list of allowed hosts; use --runtime=native
runsc --allow-host=example.org runtime 'runsc' cannot keep to a list of allowed hosts; use --runtime=native
native --image=alpine runtime 'native' has no images: take --runtime=docker or podman
TABLE
finish
