#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rules: what the scanner looks for is listed, shown and tried; rule files of users are added, and what is wrong with them is told.
. "$(dirname "$0")/lib.sh"
mkdir own wrong more empty
cat > own/a.yaml <<'END'
define:
  greeting: hello|hullo
rules:
  - id: own/says-hello
    title: Says hello
    severity: low
    category: manners
    cwe: CWE-1
    applies_to: text
    message: "{match} is said"
    help: >-
      Greetings are not asked for. They cost time, as everybody has to answer, and the answers have to be answered, and so on until the day
      is over.
    suggestion: Say nothing
    match:
      - matches: (?i){{greeting}}
        keywords: [hello, HULLO]
    samples:
      match: [hello, "well,\nHullo"]
      no_match: [good morning]
  - id: own/privileged
    title: Asks for much
    severity: critical
    category: greed
    applies_to: container
    help: It is too much.
    suggestion: Ask for less
    match:
      - at: securityContext.privileged
        true: yes
    samples:
      match: ["securityContext: {privileged: true}"]
      no_match: ["securityContext: {privileged: false}"]
END

run rules; status 0 "rules alone lists"
mv "$out" list.txt
run rules list; status 0 "rules list"; out_is "$(cat list.txt)" "is the same"
out_matches '^[0-9]+ rules' "with counts at the end"
run rules list --rules=own; status 0 "with a folder of one's own"
out_matches '^  own/says-hello +low +text +Says hello$' "an own rule"
out_matches '^greed$' "its category"
run rules list --rules=own --format=json; status 0 "as JSON"
json 'd["count"] == len(d["rules"]) and len(d["digest"]) == 64'
json '[r for r in d["rules"] if r["id"] == "own/says-hello"][0]["match"][0]["conditions"][0]["pattern"] == "(?i)(?:hello|hullo)"' "macros are expanded"
run rules list own/says-hello --rules=own; status 2 "list takes nothing"; err_has "did you mean 'rules show own/says-hello'?" "and says what does"

run rules show own/says-hello --rules own; status 0 "rules show"
for text in "own/says-hello  low" "Says hello" "CWE-1" "manners" "own/a.yaml:4" "until the day" "Say nothing" "- hello" "  Hullo" "- good morning"; do
	out_has "$text" "shows '$text'"
done
ok "in at most 100 columns" awk 'length > 100 { exit 1 }' "$out"
run rules show own/says-hello own/privileged --rules=own --format=json; status 0 "two at once"
json 'len(d) == 2 and d[0]["samples"][0] == {"must_match": True, "text": "hello", "line": 19}'
run rules show own/say-hello --rules=own; status 2 "an unknown id"; err_has "did you mean 'own/says-hello'?" "the nearest"
run rules show; status 2 "show without an id"
run rules sohw; status 2 "an unknown action"; err_has "did you mean 'rules show'?" "the nearest"

run rules test; status 0 "the samples of the built-in rules do what they say"
run rules test --policy=registry-compat; status 0 "those of the registry, too"
run rules test --rules=own; status 0 "and one's own"
out_matches '^[0-9]+ samples of [0-9]+ rules tried, all do what they say$' "with counts"
sed 's/good morning/oh hello/' own/a.yaml > more/a.yaml
run rules test --rules=more; status 1 "a sample that matches and must not"
out_matches "^more/a.yaml:20:[0-9]+: error: rule 'own/says-hello' matches .*oh hello" "is told at its line"
out_matches 'tried, 1 did not do what they say$' "and counted"
run rules test --rules=more --format=json; status 1 "as JSON"
json 'd["failed"] == 1 and d["failures"][0]["line"] == 20 and d["failures"][0]["file"] == "more/a.yaml"'

# replaced and switched off
cat > more/a.yaml <<'END'
rules:
  - {id: own/privileged, enabled: false}
END
run rules list --rules=own --rules=more; status 0 "a rule switched off"
out_matches '^  own/privileged .*\(switched off\)$' "is said to be"
out_matches ', 1 switched off$' "and counted"
sed 's/Says hello/Greets/' own/a.yaml > more/a.yaml
run rules list --rules=own --rules=more; status 0 "a rule replaced"
out_matches '^  own/says-hello .* Greets$' "has its new title"; out_lacks "Says hello" "and not the old one"

# wrong
cat > wrong/a.yaml <<'END'
rules:
  - id: own/x
    title: X
    severity: hihg
END
run rules list --rules=wrong; status 3 "a wrong rule file"
err_has "wrong/a.yaml:4:15: error: 'rules[0].severity' is 'hihg', which is not known" "at its place"
err_has "    severity: hihg" "with the line"; err_has "did you mean 'high'?" "and what was meant"
out_is "" "nothing is listed"
printf 'rules:\n  - \033[31m' > wrong/a.yaml
run rules test --rules=wrong; status 3 "control characters"; ok "are not shown" sh -c "! grep -q $'\\033' '$err'"
head -c 2000000 /dev/zero > wrong/a.yaml; run rules --rules=wrong; status 3 "zeros"
rm wrong/a.yaml; mkfifo wrong/a.yaml; run rules --rules=wrong; status 3 "a pipe does not block"
run rules --rules=nowhere; status 3 "no such folder"; err_has "nowhere" "is named"
run rules --rules=empty; status 3 "a folder without rules"
finish
