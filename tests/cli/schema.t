#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# schema: the JSON Schema of packages accepts what `validate` accepts (both dialects), and refuses what is wrong in form.
. "$(dirname "$0")/lib.sh"
run schema; status 0 "without a name"; out_matches '^result ' "lists result"; out_matches '^package ' "and package"
for name in result scan package rules policy; do
	run schema $name; status 0 "schema $name"; json 'd["$schema"] == "https://json-schema.org/draft/2020-12/schema" and d["$id"] == "urn:sandbox-runner:schema:'$name':1"' "is JSON Schema 2020-12 with its id"
	cp "$out" $name.schema.json
done
run schema package packages; status 2 "two names"
run schema pakage; status 2 "an unknown name"; err_has "did you mean 'package'?" "and the nearest"
run schema package; status 0 "schema package"
json 'set(d["required"]) == {"apiVersion", "kind", "metadata", "spec"}' "wants the envelope"
if ! python3 -c 'import yaml; from jsonschema import Draft202012Validator' 2> /dev/null; then
	skip "packages against the schema" "no python3-yaml, or no python3-jsonschema 4"
	finish; exit
fi
cat > check.py <<'PY'
import copy, json, subprocess, sys, yaml
from jsonschema import Draft202012Validator as Validator
class Loader(yaml.SafeLoader): pass	# as editors read it: times are text
Loader.yaml_implicit_resolvers = {k: [(t, r) for t, r in v if t != "tag:yaml.org,2002:timestamp"] for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
program, schema, paths = sys.argv[1], json.load(open(sys.argv[2])), sys.argv[4:]
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
def both(name, files, wrong, right, say):	# a rule or policy file: what the program says, and what its schema says
    schema = json.load(open(name + ".schema.json"))
    Validator.check_schema(schema)
    v = Validator(schema)
    def keys(x):	# `true:` is a key like any other, as editors have it
        return {str(k).lower() if isinstance(k, bool) else k: keys(y) for k, y in x.items()} if isinstance(x, dict) else [keys(y) for y in x] if isinstance(x, list) else x
    for f in files:
        e = [str(e.message)[:100] for e in v.iter_errors(keys(yaml.load(open(f, encoding="utf-8"), Loader)))]
        tap(not e, "%s: accepted: %s" % (name, f.split("/")[-1]), e)
    for expected, docs in ((False, wrong), (True, right)):
        for doc in docs:
            fits = not list(v.iter_errors(doc))
            tap(fits == expected and (say(doc) != 3) == expected, "%s: %s by both: %s" % (name, "accepted" if expected else "refused", json.dumps(doc)[:90]), (fits, say(doc)))
import glob, os
repo, package = sys.argv[3], sys.argv[3] + "/wpk-examples/log-rotate.wpk.yaml"
def scan(*args): return subprocess.run([program, "scan", *args, package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode
def with_rules(doc):
    os.makedirs("r", exist_ok=True); yaml.safe_dump(doc, open("r/a.yaml", "w")); return scan("--rules=r")
def with_policy(doc):
    yaml.safe_dump(doc, open("p.yaml", "w")); return scan("--policy=p.yaml")
RULE = {"id": "own/x", "title": "t", "severity": "low", "category": "c", "applies_to": "shell", "help": "h", "suggestion": "s", "match": [{"command": ["xyzzy"], "not_args": "^-n$"}],
        "samples": {"match": ["xyzzy"], "no_match": ["echo xyzzy"]}}
def rule(**k): return {"rules": [{a: b for a, b in dict(RULE, **k).items() if b is not None}]}
both("rules", sorted(glob.glob(repo + "/validators/rules/*.yaml")),
     [rule(id="x"), rule(id=None), rule(severity="bad"), rule(applies_to="all"), rule(match=[]), rule(match=[{"comand": "a"}]), rule(match=[{"traits": "shiny"}]), rule(help=None),
      rule(samples={"match": ["xyzzy"]}), rule(colour="red"), {"rulez": []}, {"rules": {"a": 1}}, rule(cwe="78")],
     [rule(), rule(cwe="CWE-78", message="{command}", secret=True), {"rules": [{"id": "shell/delete-system", "enabled": False}]}], with_rules)
POLICY = {"policy": "p"}
both("policy", [], [{}, dict(POLICY, base="other"), dict(POLICY, weights={"high": "many"}), dict(POLICY, weights={"huge": 1}), dict(POLICY, thresholds={"auto": 5}), dict(POLICY, thresholds={"never": {}}),
      dict(POLICY, multipliers={"a/b": "x"}), dict(POLICY, severities={"a/*": "awful"}), dict(POLICY, allow=["a"]), dict(POLICY, required_metadata="author"), dict(POLICY, suppressions="maybe")],
     [POLICY, dict(POLICY, base="registry-compat", weights={"high": 30}, repeat_percent=50, thresholds={"auto": {"review": 20, "block": 60}}, multipliers={"shell/x": 150}, severities={"api/*": "low", "a/b": "off"},
      allow={"hosts": ["*.example.org"]}, required_metadata=["author"], suppressions="deny", stated_approval=True)], with_policy)
PY
python3 check.py "$SANDBOX_RUNNER" package.schema.json "$repo" $(find "$repo/wpk-examples" "$repo/tests/fixtures/packages" "$repo/tests/fixtures/wpk" -name '*.yaml' | sort) ${EXTRA_PACKAGES:-} > tap 2> "$err"; rc=$?
while IFS= read -r line; do
	tests=$((tests + 1))
	case $line in "ok - "*) echo "ok $tests - ${line#ok - }" ;; *) echo "not ok $tests - ${line#not ok - }" ;; esac
done < tap
status 0 "all were tried"
finish
