#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the forms of a scan report with real parsers: formats.py FOLDER SCHEMA prints TAP lines about FOLDER/REPORT.FORM (tests/cli/formats.t).

The SARIF part is a validator of its own, after the specification (SARIF 2.1.0, section 3): for every object that we write, the properties it may have, those it
must have, their types and the words that are allowed. The published JSON schema says the same; it is not part of this repository."""
import json, re, subprocess, sys, xml.etree.ElementTree as ET
from urllib.parse import unquote, urlsplit

folder = sys.argv[1]
REPORTS = {"none": True, "harmless": True, "hostile": False, "many": False}	# and the verdict
SEVERITIES = ("critical", "high", "medium", "low", "info")
bad = []


def ok(what, condition, detail=""):
    print(("ok" if condition else "not ok") + " - " + what + ("" if condition else "  # " + str(detail)[:300]))


def read(report, form):
    with open("%s/%s.%s" % (folder, report, form), encoding="utf-8") as f:	# also a test: each form is UTF-8
        return f.read()


# ---- SARIF: type names are str, int, bool, an enum as a tuple, [item], or the name of an object
TEXT = {"text": str, "markdown": str, "id": str, "arguments": [str], "properties": "bag"}
SARIF = {
    "log": ({"$schema": str, "version": ("2.1.0",), "runs": ["run"], "inlineExternalProperties": [], "properties": "bag"}, ["version", "runs"]),
    "run": ({"tool": "tool", "invocations": ["invocation"], "originalUriBaseIds": {"artifactLocation"}, "results": ["result"],
             "columnKind": ("utf16CodeUnits", "unicodeCodePoints"), "properties": "bag"}, ["tool"]),
    "tool": ({"driver": "toolComponent", "properties": "bag"}, ["driver"]),
    "toolComponent": ({"name": str, "semanticVersion": str, "version": str, "rules": ["reportingDescriptor"], "properties": "bag"}, ["name"]),
    "reportingDescriptor": ({"id": str, "name": str, "shortDescription": "multiformat", "fullDescription": "multiformat", "help": "multiformat",
                             "defaultConfiguration": "reportingConfiguration", "properties": "bag"}, ["id"]),
    "multiformat": ({"text": str, "markdown": str, "properties": "bag"}, ["text"]),
    "reportingConfiguration": ({"enabled": bool, "level": ("none", "note", "warning", "error"), "rank": int, "properties": "bag"}, []),
    "invocation": ({"executionSuccessful": bool, "toolExecutionNotifications": ["notification"], "exitCode": int, "properties": "bag"}, ["executionSuccessful"]),
    "notification": ({"level": ("none", "note", "warning", "error"), "message": "message", "properties": "bag"}, ["message"]),
    "message": (TEXT, ["text"]),
    "result": ({"ruleId": str, "ruleIndex": int, "kind": str, "level": ("none", "note", "warning", "error"), "message": "message", "locations": ["location"],
                "partialFingerprints": {str}, "suppressions": ["suppression"], "properties": "bag"}, ["message"]),
    "location": ({"id": int, "physicalLocation": "physicalLocation", "logicalLocations": ["logicalLocation"], "properties": "bag"}, []),
    "physicalLocation": ({"artifactLocation": "artifactLocation", "region": "region", "contextRegion": "region", "properties": "bag"}, ["artifactLocation"]),
    "artifactLocation": ({"uri": str, "uriBaseId": str, "index": int, "description": "message", "properties": "bag"}, []),
    "region": ({"startLine": int, "startColumn": int, "endLine": int, "endColumn": int, "snippet": "artifactContent", "properties": "bag"}, []),
    "artifactContent": ({"text": str, "binary": str, "rendered": "multiformat", "properties": "bag"}, []),
    "logicalLocation": ({"name": str, "fullyQualifiedName": str, "kind": str, "properties": "bag"}, []),
    "suppression": ({"kind": ("inSource", "external"), "status": ("accepted", "underReview", "rejected"), "justification": str, "properties": "bag"}, ["kind"]),
}


def sarif(value, kind, at):
    if kind == "bag":
        if not isinstance(value, dict) or ("tags" in value and len(set(value["tags"])) != len(value["tags"])):
            bad.append(at)
    elif isinstance(kind, tuple):
        if value not in kind:
            bad.append("%s: %r is none of %s" % (at, value, kind))
    elif isinstance(kind, list):
        if not isinstance(value, list):
            return bad.append(at + ": no list")
        for i, v in enumerate(value):
            sarif(v, kind[0], "%s[%d]" % (at, i))
    elif isinstance(kind, set):
        for k, v in value.items():
            sarif(v, next(iter(kind)), at + "." + k)
    elif isinstance(kind, type):
        if type(value) is not kind or (kind is int and value < 0):
            bad.append("%s: %r" % (at, value))
    else:
        known, required = SARIF[kind]
        if not isinstance(value, dict):
            return bad.append(at + ": no object")
        bad.extend("%s: no %s" % (at, k) for k in required if k not in value)
        for k, v in value.items():
            if k not in known:
                bad.append("%s: %s is not known" % (at, k))
            else:
                sarif(v, known[k], at + "." + k)


def check_sarif(name, acceptable):
    d = json.loads(read(name, "sarif"))
    del bad[:]
    sarif(d, "log", "$")
    run = d["runs"][0]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    ok("%s.sarif: has the form of the specification" % name, not bad, bad[:3])
    ok("%s.sarif: each result names its rule" % name, all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in results))
    ok("%s.sarif: only rules that were met" % name, {r["id"] for r in rules} >= {r["ruleId"] for r in results} and len({r["id"] for r in rules}) == len(rules))
    places = [l["physicalLocation"] for r in results for l in r["locations"]]
    uris = [p["artifactLocation"] for p in places]
    ok("%s.sarif: URIs are URIs; relative ones lie below the root" % name, all(
        re.fullmatch(r"[A-Za-z0-9._~/:?=&@%+,;#\[\]-]+", u["uri"]) and bool(urlsplit(u["uri"]).scheme) == ("uriBaseId" not in u) and
        not u["uri"].startswith("./") for u in uris), uris[:2])
    ok("%s.sarif: lines and columns count from 1, regions are not empty" % name, all(
        "region" not in p or (p["region"]["startLine"] >= 1 and 1 <= p["region"]["startColumn"] < p["region"]["endColumn"]) for p in places))
    ok("%s.sarif: at most 25,000 results" % name, len(results) <= 25000, len(results))
    ok("%s.sarif: the verdict" % name, run["properties"]["verdict"] == ("acceptable" if acceptable else "not_acceptable"))
    text = " ".join(r["message"]["text"] for r in results)
    text += " ".join(s.get("justification", "") for r in results for s in r["suppressions"])
    ok("%s.sarif: no link in a message, no control character" % name, not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", text) and
       "](" not in " ".join(r["message"]["text"] for r in results))
    return run


def check_json(name, acceptable):
    d = json.loads(read(name, "json"))
    listed = {s: 0 for s in SEVERITIES}
    for f in d["findings"]:
        if not f["suppressed"] and f["rule_id"] != "finding/more":
            listed[f["severity"]] += 1
    ok("%s.json: the verdict" % name, d["verdict"] == ("acceptable" if acceptable else "not_acceptable"))
    ok("%s.json: the verdict is that of the files" % name, acceptable == all(f["acceptable"] for f in d["files"]))
    ok("%s.json: counts are those of the files" % name, all(d["summary"]["findings"][s] == sum(f["counts"][s] for f in d["files"]) for s in SEVERITIES))
    ok("%s.json: and of the findings, but for those not listed" % name, all(d["summary"]["findings"][s] >= listed[s] for s in SEVERITIES))
    ok("%s.json: suppressed ones are listed and counted apart" % name, d["summary"]["suppressed"] == sum(f["suppressed"] for f in d["findings"]))
    ok("%s.json: fingerprints are unique in a file" % name, len({(f["file"], f["fingerprint"]) for f in d["findings"]}) == len(d["findings"]))
    return d


def check_junit(name, acceptable, d):
    root = ET.fromstring(read(name, "junit"))
    cases = root.findall("testsuite/testcase")
    count = lambda tag: sum(c.find(tag) is not None for c in cases)
    ok("%s.junit: the numbers are those of the cases" % name, [int(root.get(k)) for k in ("tests", "failures", "errors", "skipped")] ==
       [len(cases), count("failure"), count("error"), count("skipped")], root.attrib)
    ok("%s.junit: so are those of each suite" % name, all(int(s.get("failures")) == len(s.findall("testcase/failure")) and int(s.get("tests")) == len(s.findall("testcase"))
       and int(s.get("errors")) == len(s.findall("testcase/error")) and int(s.get("skipped")) == len(s.findall("testcase/skipped")) for s in root))
    ok("%s.junit: the verdict: nothing fails exactly when all is acceptable" % name, acceptable == (count("failure") + count("error") == 0))
    ok("%s.junit: no classname or name is empty" % name, all(c.get("classname") and c.get("name") for c in cases))
    ok("%s.junit: a suite for each file, failing exactly when the file does" % name, [bool(s.findall("testcase/failure")) for s in root] == [not f["acceptable"] for f in d["files"]])
    everything = "".join(root.itertext()) + " ".join(v for e in root.iter() for v in e.attrib.values())
    ok("%s.junit: no control character" % name, not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", everything))


def check_github(name, acceptable, d):
    lines = read(name, "github").splitlines()
    commands = [re.fullmatch(r"::(error|warning|notice) ((?:[a-zA-Z]+=[^,:\r\n]*,?)+)::(.*)", l) for l in lines[:-1]]
    ok("%s.github: commands, then one line" % name, all(commands) and not lines[-1].startswith("::"), [l for l, c in zip(lines, commands) if not c][:1])
    kinds = [c.group(1) for c in commands]
    ok("%s.github: at most ten of a kind, most severe first" % name, all(kinds.count(k) <= 10 for k in kinds) and kinds == sorted(kinds, key=("error", "warning", "notice").index))
    ok("%s.github: what is escaped comes back, nothing else is" % name, all(not re.search("%(?!25|0A|3A|2C)", c.group(2) + c.group(3)) for c in commands) and
       (name != "hostile" or any("%0A::error::x" in unquote(c.group(3)) for c in commands)))
    titles = [re.search(r"title=([a-z]+)%3A", c.group(2)).group(1) for c in commands]
    ok("%s.github: severities never rise" % name, titles == sorted(titles, key=SEVERITIES.index))
    ok("%s.github: the last line has the verdict" % name, lines[-1].startswith("sandbox_runner scan: " + ("acceptable" if acceptable else "not acceptable")))
    total = sum(d["summary"]["findings"].values())
    more = re.search(r"(\d+) of these (\d+) findings have no annotation", lines[-1])
    ok("%s.github: and counts the rest" % name, (more and (int(more.group(1)), int(more.group(2))) == (total - len(commands), total)) or (not more and total == len(commands)))


def check_gitlab(name, d):
    issues = json.loads(read(name, "gitlab"))
    ok("%s.gitlab: issues with all that GitLab wants" % name, isinstance(issues, list) and all(
        isinstance(i["description"], str) and i["check_name"] and i["severity"] in ("info", "minor", "major", "critical", "blocker") and
        not i["location"]["path"].startswith("./") and i["location"]["lines"]["begin"] >= 1 for i in issues))
    ok("%s.gitlab: fingerprints are unique" % name, len({i["fingerprint"] for i in issues}) == len(issues))
    ok("%s.gitlab: no control character" % name, not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", "".join(i["description"] for i in issues)))
    ok("%s.gitlab: all but the suppressed" % name, len(issues) == sum(not f["suppressed"] for f in d["findings"]))


def check_markdown(name, acceptable, d):
    text = read(name, "markdown")
    rows = [l for l in text.split("\n") if l.startswith("| ")]
    ok("%s.markdown: at most 60 KB" % name, len(text.encode()) <= 60 << 10, len(text))
    ok("%s.markdown: the verdict" % name, ("### sandbox_runner scan: " + ("acceptable" if acceptable else "not acceptable") + "\n") in text)
    ok("%s.markdown: every row has the columns of its table" % name, all(l.count("|") in (5, 6) and not re.search(r"[`\x1b]", l) for l in rows))
    tags = {t for t in re.findall(r"<[^>]*>", text)} - {"<!-- sandbox_runner scan -->"}
    ok("%s.markdown: only tags of ours" % name, tags <= {"<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"}, tags)
    inside = "".join(re.findall(r"<code>(.*?)</code>", text))
    ok("%s.markdown: nothing of a package is markup" % name, not re.search(r"[\[\]()*_`<>@!|\\]|&(?!#\d+;)", inside), re.search(r".?[\[\]()*_`<>@!|\\].?", inside))
    severities = [l.split("|")[1].strip() for l in rows if l.count("|") == 5 and l.split("|")[1].strip() in SEVERITIES]
    shown = [s for l, s in zip([l for l in rows if l.count("|") == 5 and l.split("|")[1].strip() in SEVERITIES], severities) if "<br>suppressed: " not in l]
    ok("%s.markdown: most severe first" % name, shown == sorted(shown, key=SEVERITIES.index))
    rest = dict((s, int(n)) for n, s in re.findall(r"(\d+) (critical|high|medium|low|info)", (re.search(r"Not listed: (.*)\.", text) or [""])[0]))
    ok("%s.markdown: what is not listed is counted exactly" % name, all(shown.count(s) + rest.get(s, 0) == d["summary"]["findings"][s] for s in SEVERITIES), rest)
    files = [l for l in rows if l.count("|") == 6 and not l.startswith("| File")]
    more = re.search(r"(\d+) more files? (is|are) not listed", text)
    ok("%s.markdown: so are files" % name, len(files) + (int(more.group(1)) if more else 0) == len(d["files"]), (len(files), more))


def check_text(name, acceptable):
    text = read(name, "text")
    ok("%s.text: the last line has the verdict" % name, text.splitlines()[-1].startswith("acceptable: " if acceptable else "not acceptable: "))
    ok("%s.text: nothing that a terminal obeys" % name, not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text))


def described(value, schema, top, at, out):
    """Paths of keys that the schema does not describe."""
    schema = top["$defs"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
    if isinstance(value, dict):
        for k, v in value.items():
            if k in schema.get("properties", {}):
                described(v, schema["properties"][k], top, at + "." + k, out)
            else:
                out.add(at + "." + k)
    for v in value if isinstance(value, list) else []:
        described(v, schema.get("items", {}), top, at + "[]", out)
    return out


def check_schema(name, d):
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        return ok("%s.json: fits its schema # SKIP no python3-jsonschema 4" % name, True)
    schema = json.load(open(sys.argv[2]))
    short = dict(d, findings=d["findings"][:300])	# the validator is slow, the others are the same
    errors = [e.message for e in Draft202012Validator(schema).iter_errors(short)]
    ok("%s.json: fits its schema" % name, not errors, errors[:2])
    unknown = described(short, schema, schema, "", set())
    ok("%s.json: every key is described there" % name, not unknown, unknown)


for name, acceptable in REPORTS.items():
    d = check_json(name, acceptable)
    check_schema(name, d)
    run = check_sarif(name, acceptable)
    check_junit(name, acceptable, d)
    check_github(name, acceptable, d)
    check_gitlab(name, d)
    check_markdown(name, acceptable, d)
    check_text(name, acceptable)
    if name == "hostile":
        texts = [s for r in run["results"] for s in r["suppressions"]]
        ok("hostile.sarif: a comment is in the source, others are external", sorted(s["kind"] for s in texts) == ["external", "external", "inSource"], texts)
        ok("hostile.sarif: names of files come back", any(unquote(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], errors="surrogateescape").startswith("bytes-\udcff") for r in run["results"]))
        ok("hostile.sarif: what could not be read is an execution that failed", run["invocations"][0]["executionSuccessful"] is False)
        ok("hostile.sarif: the snippet is the text of the region", all(r["locations"][0]["physicalLocation"]["region"]["snippet"]["text"] == "\u00e9\x1b[31m" for r in run["results"] if "shell" in r["ruleId"]))
    if name == "many":
        notes = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
        ok("many.sarif: 25,000 are written, the rest is counted", len(run["results"]) == 25000 and any(n.startswith("%d results are left out" % (len(d["findings"]) - 25000)) for n in notes), notes)
        ok("many.sarif: all severe ones are there", sum(r["level"] == "error" for r in run["results"]) == sum(f["severity"] in ("high", "critical") for f in d["findings"]))
        ok("many.json: a finding in a hundred is kept, all are counted", d["summary"]["findings"]["high"] == 250 and any(f["matched"] == "shell/often 150" for f in d["findings"]))
