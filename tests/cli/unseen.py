#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays our own labelled cases: unseen.py FIXTURES FOLDER writes a package for each into FOLDER and prints TAP lines (tests/cli/unseen.t).

A case is one JSON object a line: id, kind (shell, container, kubernetes, wpk: a whole package), text, category; a dangerous one has the least severity (min) that its worst
finding must have, a benign one must have none of high or critical. The texts are written into files and read by the scanner; nothing of them is ever run."""
import json, os, subprocess, sys

SEVERITIES = ("info", "low", "medium", "high", "critical")
HEAD = """apiVersion: v1
kind: WorkflowPackage
metadata: {name: case, version: "1.0.0", description: A case of the corpus, author: Tests, created: "2024-01-15T10:00:00Z", tags: [test]}
spec:
  runtime: {type: %s, version: "1.28+"}
  safety: {mode: manual, approval_required: true, dry_run_required: true, rollback_enabled: false}
  handlers:
    - name: handler
      steps:
        - name: step
          %s:
"""
fixtures, folder = sys.argv[1:]


def load(name):
    with open(os.path.join(fixtures, name + ".jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def package(case):
    if case["kind"] == "wpk":
        return case["text"] + "\n"
    head = HEAD % ("shell" if case["kind"] == "shell" else "k8s", case["kind"])
    if case["kind"] == "shell":
        return head + "            command: " + json.dumps(case["text"]) + "\n"
    return head + "".join("            " + line + "\n" for line in case["text"].split("\n"))


def scan(cases):
    """{id: the worst severity of a rule's finding, as a number; -1 without one; missing when the scanner said nothing about the file}"""
    names = []
    for case in cases:
        names.append(os.path.join(folder, case["id"] + ".wpk.yaml"))
        with open(names[-1], "w", encoding="utf-8") as f:
            f.write(package(case))
    worst = {}
    for at in range(0, len(names), 500):
        reply = subprocess.run([os.environ["SANDBOX_RUNNER"], "scan", "--format=json", *names[at:at + 500]], stdin=subprocess.DEVNULL, capture_output=True)
        report = json.loads(reply.stdout)
        for name in names[at:at + 500]:
            worst[name] = -1
        for f in report["findings"]:
            if not f.get("suppressed"):
                worst[f["file"]] = max(worst[f["file"]], SEVERITIES.index(f["severity"]))
    return {case["id"]: worst[name] for case, name in zip(cases, names)}


tests = 0


def tap(good, what, bad=()):
    global tests
    tests += 1
    print("%s %d - %s" % ("ok" if good else "not ok", tests, what))
    for line in list(bad)[:20]:
        print("# " + line)


def line(case):
    return "%s: %s" % (case["id"], case["text"].replace("\n", " ; ")[:150])


dangerous, benign = load("dangerous"), load("benign")
tap(len(dangerous) >= 400 and len(benign) >= 300, "%d dangerous and %d benign cases" % (len(dangerous), len(benign)))
tap(len({c["id"] for c in dangerous + benign}) == len(dangerous) + len(benign), "every id is there once")
worst = scan(dangerous + benign)
for category in sorted({c["category"] for c in dangerous}):
    cases = [c for c in dangerous if c["category"] == category]
    missed = [line(c) for c in cases if worst[c["id"]] < SEVERITIES.index(c["min"])]
    tap(not missed, "%s: all %d are found" % (category, len(cases)), missed)
alarms = [line(c) for c in benign if worst[c["id"]] >= SEVERITIES.index("high")]
tap(not alarms, "no benign case is an alarm", alarms)
print("1..%d" % tests)
