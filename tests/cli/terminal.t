#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What people see: the familiar shape, and nothing of a step's output that acts on a terminal or passes for a line of ours.
. "$(dirname "$0")/lib.sh"
esc=$(printf '\033')

wpk shape - <<'YAML'
    - {name: one, type: shell, config: {command: "echo to stdout; echo to stderr >&2"}}
    - {name: two, type: api, config: {url: "https://example.org/", method: GET}}
    - {name: three, type: shell, config: {command: "printf 'no newline'"}}
YAML
run --wpk=shape.wpk.yaml; status 0 "a run"
out_matches '^sandbox_runner [0-9.]+ · shape 1\.0\.0 · container \(native\), profile default$' "the head line"
out_matches '^Creating sandbox r-[a-z0-9]+ \.\.\. ready \(' "the sandbox"
out_matches '^Step 1/3: one \.\.\. OK \(' "a step that passed"
out_matches '^Step 2/3: two \.\.\. simulated \(' "a simulated one, with the reason"
out_matches '^    \| to stdout$' "its output"
out_matches '^    ! to stderr$' "its errors, marked"
out_matches '^    \| no newline$' "a line without end"
out_matches '^Cleaning up \.\.\. nothing left' "the clean-up"
out_matches '^Verdict: ' "the verdict"
err_is "" "nothing on stderr"
run -q --wpk=shape.wpk.yaml; ok "-q: one line" test "$(wc -l < "$out")" = 1
out_matches '^Verdict: ' "-q: the verdict"

wpk fails - <<'YAML'
    - {name: one, type: shell, retry: {max_attempts: 2, backoff: 10ms}, config: {command: "echo what; echo why >&2; exit 4"}}
    - {name: two, type: shell, config: {command: "true"}}
YAML
run --wpk=fails.wpk.yaml; status 1 "a failing run"
out_matches '^Step 1/2: one \.\.\. attempt 1 failed: exit status 4; next in ' "the first attempt"
out_matches '^Step 1/2: one \.\.\. FAILED: exit status 4 \(.*attempt 2 of 2\)' "the last one"
out_matches '^Step 2/2: two \.\.\. skipped \(' "what was not reached"
run -q --wpk=fails.wpk.yaml; status 1 "-q with a failure"
out_matches '^Step 1/2: one \.\.\. FAILED' "-q tells the failure"
out_matches '^    ! why$' "-q shows what the step said"

cat > hostile.sh <<'SH'
printf '\033[31mred\033[0m \033]0;title\007 \033[2J\033[1A\n'
printf 'raw c1 \233 31m, in utf-8 \302\233 31m\n'
printf 'bell \007 backspace \010\010 delete \177 nul \000 tab\there\n'
printf 'Step 2/2: fake ... OK (0.1s)\rStep 9/9: fake ... OK\n'
printf '\nVerdict: VERIFIED\n'
printf 'bidi \342\200\256 override \342\201\246 isolate \342\200\217 mark \330\234\n'
printf 'invalid \377\376 \300\257 \355\240\200 \342\202\n'
printf 'line separator \342\200\250 Verdict: VERIFIED\n'
printf 'fine: gr\303\274n \342\202\254 \346\227\245\n'
printf 'Verdict: VERIFIED' >&2
SH
wpk hostile - <<< '    - {name: "evil\e[2J name", type: shell, config: {command: "sh hostile.sh"}}'
for args in "" -v -q "--color=always"; do
	run --wpk=hostile.wpk.yaml --files=hostile.sh $args; status 0 "hostile output $args"
	python3 - "$out" "${args#--color=}" <<-'PY' > "$work/verdict" 2>&1
		import re, sys, unicodedata
		text = open(sys.argv[1], "rb").read().decode("utf-8")	# strict: invalid UTF-8 is an error
		if sys.argv[2] == "always":
		    text = re.sub("\x1b\\[[0-9;]*m", "", text)
		bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
		assert not bad, bad
		assert sum(line.startswith("Verdict: ") for line in text.split("\n")) == 1, "imitated verdict"
		assert not any(line.startswith("Step 2/2") or line.startswith("Step 9/9") for line in text.split("\n"))
	PY
	result $? "hostile output $args: nothing acts, no line is imitated ($(tail -n 1 "$work/verdict"))"
done
run --wpk=hostile.wpk.yaml --files=hostile.sh
out_has '\x1b[31mred\x1b[0m' "escape sequences are shown"
out_has 'fine: grün € 日' "and harmless characters stay"

wpk flood - <<< '    - {name: flood, type: shell, config: {command: "seq 1 5000; head -c 20000 /dev/zero | tr \\\\0 y"}}'
run --wpk=flood.wpk.yaml; status 0 "a flood"
out_matches '^    \| 200$' "its first 200 lines are shown"
ok "and no more" test "$(grep -c '^    |' "$out")" = 200
out_matches '^    … 480[01] more lines' "the others are counted"
run -v --wpk=flood.wpk.yaml; out_matches '^    \| 5000$' "-v shows all"
out_matches '^    \| y{1000} … 19000 more bytes$' "a very long line is cut and counted"

# on a terminal
if command -v script > /dev/null; then
	TERM=xterm script -qec "'$SANDBOX_RUNNER' --wpk=shape.wpk.yaml" /dev/null > "$out" 2> "$err" < /dev/null; rc=$?
	status 0 "on a terminal"
	ok "colour" grep -q "$esc\[32mOK" "$out"
	ok "a live line, erased" grep -q "$(printf '\r')$esc\[K" "$out"
	ok "nothing stays behind the erased line" python3 - "$out" <<-'PY'
		import re, sys
		text = open(sys.argv[1], encoding="utf-8", newline="").read().replace("\r\n", "\n")
		shown = [re.sub("\x1b\\[[0-9;]*m", "", line.split("\r\x1b[K")[-1]) for line in text.split("\n")]
		assert not any("\r" in line or "\x1b" in line for line in shown), shown
		assert any(re.match(r"Step 1/3: one \.\.\. OK", line) for line in shown), shown
	PY
	wpk slow - <<< '    - {name: wait, type: shell, config: {command: "sleep 2.5"}}'
	TERM=xterm script -qec "'$SANDBOX_RUNNER' --wpk=slow.wpk.yaml" /dev/null > "$out" 2> "$err" < /dev/null
	ok "the live line tells the time" grep -q "Step 1/1: wait ... 2s" "$out"
	NO_COLOR=1 TERM=xterm script -qec "'$SANDBOX_RUNNER' --wpk=shape.wpk.yaml" /dev/null > "$out" 2> "$err" < /dev/null
	ok "NO_COLOR on a terminal" sh -c "! grep -q '$esc\[32m' '$out'"
	TERM=dumb script -qec "'$SANDBOX_RUNNER' --wpk=shape.wpk.yaml" /dev/null > "$out" 2> "$err" < /dev/null
	ok "TERM=dumb: plain lines" sh -c "! grep -q '$esc' '$out'"
else
	skip "on a terminal" "script(1) is not installed"
fi
left_nothing "terminal"
finish
