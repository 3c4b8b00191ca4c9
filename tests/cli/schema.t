#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# schema: the JSON Schema of packages accepts what `validate` accepts (both dialects), and refuses what is wrong in form.
. "$(dirname "$0")/lib.sh"
run schema; status 0 "without a name"; out_matches '^result ' "lists result"; out_matches '^package ' "and package"
run schema package; status 0 "schema package"
json 'd["$schema"] == "https://json-schema.org/draft/2020-12/schema" and d["$id"] == "urn:sandbox-runner:schema:package:1"' "is JSON Schema 2020-12 with its id"
json 'set(d["required"]) == {"apiVersion", "kind", "metadata", "spec"}' "wants the envelope"
cp "$out" package.schema.json
if ! python3 -c 'import yaml; from jsonschema import Draft202012Validator' 2> /dev/null; then
	skip "packages against the schema" "no python3-yaml, or no python3-jsonschema 4"
	finish; exit
fi
cat > check.py <<'PY'
import copy, json, subprocess, sys, yaml
from jsonschema import Draft202012Validator as Validator
class Loader(yaml.SafeLoader): pass	# as editors read it: times are text
Loader.yaml_implicit_resolvers = {k: [(t, r) for t, r in v if t != "tag:yaml.org,2002:timestamp"] for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
program, schema, paths = sys.argv[1], json.load(open(sys.argv[2])), sys.argv[3:]
def tap(good, what, detail=""): print(("ok" if good else "not ok") + " - " + what + ("" if good else "  # %s" % str(detail)[:200]))
Validator.check_schema(schema)
tap(True, "the schema is a schema")
check = Validator(schema)
def errors(doc): return ["%s: %s" % (list(e.absolute_path), e.message[:120]) for e in check.iter_errors(doc)]
accepted = 0
for path in paths:
    valid = subprocess.run([program, "validate", "-q", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode == 0
    if not valid:
        continue
    accepted += 1
    try: doc = yaml.load(open(path, encoding="utf-8"), Loader)
    except Exception: continue	# PyYAML is stricter about some things
    tap(not errors(doc), "accepted by validate, and by the schema: " + path.split("/")[-1], errors(doc))
tap(accepted >= 12, "there were packages to try", accepted)
BASE = {"apiVersion": "v1", "kind": "WorkflowPackage", "metadata": {"name": "a", "version": "1.0.0"},
        "spec": {"handlers": [{"name": "h", "type": "shell", "config": {"command": "true"}}, {"name": "i", "steps": [{"name": "s", "shell": {"command": "true"}},
                 {"name": "t", "container": {"image": "a:1"}}, {"name": "u", "kubernetes": {"apiVersion": "v1", "kind": "Pod"}}]}]}}
tap(not errors(BASE), "the smallest package", errors(BASE))
H, S = ["spec", "handlers", 0], ["spec", "handlers", 1, "steps", 0]
DELETE = object()
WRONG = [	# path, value
    (["apiVersion"], "v2"), (["apiVersion"], DELETE), (["kind"], "Pod"), (["metadata", "name"], "Has Capitals"), (["metadata", "name"], DELETE),
    (["metadata", "version"], 1.0), (["metadata", "version"], "1.0"), (["metadata", "tags"], "one"), (["spec"], []), (["spec", "handlers"], []),
    (["spec", "handlers"], {"a": 1}), (H + ["name"], DELETE), (H + ["type"], "ftp"), (H + ["type"], DELETE), (H + ["config"], DELETE), (H + ["config"], "true"),
    (H + ["config", "command"], DELETE), (H + ["config", "command"], ["a", "b"]), (H + ["timeout"], "soon"), (H + ["timeout"], -1), (H + ["retry"], 3),
    (H + ["retry"], {"max_attempts": "many"}), (H + ["type"], "api"), (H + ["type"], "k8s"), (S + ["container"], {"image": "b"}), (S + ["shell"], DELETE), (S + ["shell"], {}),
    (["spec", "handlers", 1, "steps", 1, "container"], {"command": ["a"]}), (["spec", "handlers", 1, "steps"], "a"), (["spec", "handlers", 1, "steps"], DELETE),
    (["spec", "safety"], {"approval_required": "maybe"}), (["spec", "runtime"], {"requirements": {"memory": "lots"}}), (["spec", "runtime"], {"requirements": {"cpu": "2 cores"}}),
    (["spec", "triggers"], {"type": "webhook"}), (["spec", "rollback"], {"handlers": [{"name": "x"}]}), (["spec", "validation"], {"resource_limits": {"max_jobs": "few"}}),
]
RIGHT = [
    (["x-own"], 1), (H + ["colour"], "red"), (H + ["timeout"], "1h30m"), (H + ["timeout"], 30), (H + ["timeout"], None), (["spec", "triggers"], None), (S + ["shell"], "true"),
    (["spec", "safety"], {"mode": "AUTO", "approval_required": "True"}), (["spec", "runtime"], {"type": "other", "requirements": {"cpu": "500m", "memory": "1.5Gi", "storage": 1024}}),
    (["spec", "handlers", 1, "type"], "whatever"), (["spec", "handlers", 1, "steps"], None), (["spec", "validation"], {"resource_limits": {"max_jobs": "${JOBS}"}}),
    (["spec", "handlers", 1, "steps", 2, "kubernetes"], None), (["metadata", "description"], 7),
]
def changed(path, value):
    doc = copy.deepcopy(BASE); at = doc
    for k in path[:-1]: at = at[k]
    if value is DELETE: del at[path[-1]]
    else: at[path[-1]] = value
    return doc
for path, value in WRONG:
    doc = changed(path, value)
    said = subprocess.run([program, "validate", "-q", "-"], input=yaml.safe_dump(doc).encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode
    what = "%s = %s" % (".".join(map(str, path)), "nothing" if value is DELETE else json.dumps(value))
    tap(bool(errors(doc)) and said == 3, "refused by both: " + what, (errors(doc)[:1], said))
for path, value in RIGHT:
    doc = changed(path, value)
    said = subprocess.run([program, "validate", "-q", "-"], input=yaml.safe_dump(doc).encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode
    tap(not errors(doc) and said == 0, "accepted by both: %s = %s" % (".".join(map(str, path)), json.dumps(value)), (errors(doc)[:1], said))
PY
python3 check.py "$SANDBOX_RUNNER" package.schema.json $(find "$repo/wpk-examples" "$repo/tests/fixtures/packages" "$repo/tests/fixtures/wpk" -name '*.yaml' | sort) ${EXTRA_PACKAGES:-} > tap 2> "$err"; rc=$?
while IFS= read -r line; do
	tests=$((tests + 1))
	case $line in "ok - "*) echo "ok $tests - ${line#ok - }" ;; *) echo "not ok $tests - ${line#not ok - }" ;; esac
done < tap
status 0 "all were tried"
finish
