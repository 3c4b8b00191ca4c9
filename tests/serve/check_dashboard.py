#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_dashboard.py DASHBOARD RULES METRICS: is the dashboard one that Grafana can show, and does everything that it and the alerts name exist in
what the server really writes? Prints what is wrong, a line each; exit status 1 if anything is."""
import json
import re
import sys

wrong = []


def say(text):
    wrong.append(text)


def names_of(expression):
    """Names of metrics in PromQL or its neighbourhood, without texts in quotes."""
    return set(re.findall(r"\b(?:sandbox_runner|process|workflow|active)_[a-z0-9_]+", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)))


def check_panel(panel, seen):
    title = panel.get("title", "?")
    if panel["id"] in seen:
        say(f"panel '{title}': its id {panel['id']} is not its own")
    seen.add(panel["id"])
    if panel["type"] == "row":
        return []
    if not panel.get("description"):
        say(f"panel '{title}': has no description")
    if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
        say(f"panel '{title}': has no unit")
    if panel.get("datasource", {}).get("uid") != "${datasource}":
        say(f"panel '{title}': its data source is not the variable")
    if not panel.get("targets"):
        say(f"panel '{title}': has no target")
    for target in panel.get("targets", []):
        if not target.get("expr") or not target.get("refId") or target.get("datasource", {}).get("uid") != "${datasource}":
            say(f"panel '{title}': a target without expression, name or data source")
        if "$job" not in target.get("expr", "") or "$instance" not in target.get("expr", ""):
            say(f"panel '{title}': does not look at what is chosen: {target.get('expr')}")
    return [target.get("expr", "") for target in panel.get("targets", [])]


def overlap(a, b):
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def check_dashboard(dashboard):
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    for name, kind in (("datasource", "datasource"), ("job", "query"), ("instance", "query")):
        if variables.get(name, {}).get("type") != kind:
            say(f"there is no variable '{name}' of type {kind}")
    if not dashboard.get("uid") or not dashboard.get("title") or dashboard.get("schemaVersion", 0) < 30:
        say("uid, title or schemaVersion is missing")
    seen, expressions = set(), [v["query"] for v in variables.values()]
    for panel in dashboard["panels"]:
        expressions += check_panel(panel, seen)
    places = [p["gridPos"] for p in dashboard["panels"]]
    for i, a in enumerate(places):
        if a["x"] + a["w"] > 24:
            say(f"panel '{dashboard['panels'][i]['title']}' is past the right edge")
        for k in range(i):
            if overlap(a, places[k]):
                say(f"panels '{dashboard['panels'][k]['title']}' and '{dashboard['panels'][i]['title']}' lie on each other")
    expressions += [a["expr"] for a in dashboard["annotations"]["list"]]
    if len(expressions) < 20:
        say("there are hardly any expressions: was the file read as meant?")
    return expressions


def written(text):
    """Every name that can be asked for: samples, not only families."""
    names = {re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line)[0] for line in text.splitlines() if line and line[0] != "#"}
    for kind in re.findall(r"^# TYPE (\S+) histogram$", text, re.M):	# without a run there is no sample yet
        names |= {kind + "_bucket", kind + "_sum", kind + "_count"}
    names |= set(re.findall(r"^# TYPE (\S+) (?:counter|gauge)$", text, re.M))
    return names


def main():
    dashboard, rules, metrics = sys.argv[1:]
    known = written(open(metrics, encoding="utf-8").read())
    rules_text = open(rules, encoding="utf-8").read()
    used = {(name, "the dashboard") for e in check_dashboard(json.load(open(dashboard, encoding="utf-8"))) for name in names_of(e)}
    lines = [line for line in rules_text.splitlines() if not re.match(r"\s*(#|- name:|summary:|description:)", line)]
    used |= {(name, "a rule") for name in names_of("\n".join(lines).replace('job="sandbox_runner"', "")) if f"{name}:" not in rules_text}
    if len(used) < 25:
        say(f"only {len(used)} names were found: was everything read as meant?")
    for name, where in sorted(used):
        if name not in known:
            say(f"{where} asks for {name}, which the server does not write")
    print("\n".join(wrong) if wrong else f"{len(used)} names, all there")
    sys.exit(bool(wrong))


main()
