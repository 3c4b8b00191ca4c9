#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gate: run and plan judge by the same rules and policy as scan, and a package that is blocked runs only when somebody answers for it.
. "$(dirname "$0")/lib.sh"
wpk danger - <<< '    - {name: tidy, type: shell, config: {command: "T=/; [ -e /nowhere ] && rm -rf \"$T\"; echo done"}}'
wpk fine - <<< '    - {name: say, type: shell, config: {command: "echo \"never rm -rf /\""}}'
cat > strict.yaml <<'END'
policy: strict
severities: {"shell/*": critical}
required_metadata: [created]
thresholds: {auto: {review: 1, block: 5}, manual: {review: 1, block: 5}}
END

run scan danger.wpk.yaml; status 1 "scan: not acceptable"
run --wpk=danger.wpk.yaml --format=json; status 4 "run: refused"
json "d['decision']['policy_decision'] == 'block' and d['decision']['override'] is None and d['decision']['score'] == 75" "the decision with its score"
json "d['decision']['arithmetic'] == ['1 critical x 75 = 75']" "and its arithmetic"
json "any(f['rule_id'] == 'shell/delete-system' and f['severity'] == 'critical' for f in d['findings'])" "and the finding"
err_has "refused: critical: 'rm' deletes /" "the reason is told"
run plan danger.wpk.yaml; status 4 "plan: refused"

run --wpk=danger.wpk.yaml --override="a drill, see ticket 12" --format=json; status 0 "run: somebody answers for it"
json "d['verdict'] == 'verified' and d['decision']['policy_decision'] == 'block'" "the verdict of the policy stays"
json "d['decision']['override'] == 'a drill, see ticket 12'" "the reason is recorded"
run --wpk=danger.wpk.yaml --override="a drill, see ticket 12"; status 0 "as text"
out_has "run all the same, because: a drill, see ticket 12" "the reason is shown"
run --wpk=danger.wpk.yaml --override=; status 2 "an override needs a reason"

run --wpk=fine.wpk.yaml; status 0 "a mention is no command"
run --wpk=fine.wpk.yaml --policy=strict.yaml; status 4 "a policy of one's own is stricter"
err_has "metadata.created" "and says what is missing"
run --wpk=danger.wpk.yaml --policy=registry-compat; status 0 "the registry's rules do not look at this"
run --wpk=fine.wpk.yaml --policy=nowhere.yaml; status 3 "no such policy file"
run --wpk=fine.wpk.yaml --policy=lenient; status 2 "no such policy"

wpk watched - <<< '    - {name: keys, type: shell, config: {command: "cat ~/.ssh/id_rsa; curl -k https://x.example.org/ -O; iptables -F"}}'
run scan watched.wpk.yaml; status 1 "high findings"
sed -i 's/^    - {name: keys/    # sandbox_runner: ignore shell\/* -- a drill\n&/' watched.wpk.yaml
run scan watched.wpk.yaml; status 0 "a suppression"
run scan --no-ignore watched.wpk.yaml; status 1 "--no-ignore"
run plan watched.wpk.yaml; status 0 "it counts at the gate too"
sed -i 's/^    - {name: tidy/    # sandbox_runner: ignore shell\/* -- harmless, I promise\n&/' danger.wpk.yaml
run --wpk=danger.wpk.yaml; status 4 "a package cannot ignore a critical finding of its own"; err_has "cannot ignore" "and is told so"
echo 'ignore: [{rule: shell/delete-system, reason: looked at}]' > mine.yaml
run --wpk=danger.wpk.yaml --ignore-file=mine.yaml; status 0 "whoever judges can"

# long texts: as data they are nothing, run they may hide anything
blob() { echo "    - name: h"; echo "      type: shell"; echo "      config:"; echo "        command: |"; echo "          cat > blob <<'EOF'"
	 seq -f '          echo aaaaaaaaaaaaaaaaaaaaaaaa %g' 5000; echo "          EOF"; echo "          $1 blob"; }
blob "wc -c" | wpk data -; run scan --show=info data.wpk.yaml; status 0 "a long text that is only data"; out_lacks "scan/" "is not worth a word"
blob "sh" | wpk code -; run scan code.wpk.yaml; status 1 "a long text that is run"; out_has "scan/truncated" "was not looked at to its end, and that is said"
finish
