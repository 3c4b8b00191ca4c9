#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Completion scripts and the manual page come from the option tables and are valid for those who read them.
. "$(dirname "$0")/lib.sh"

for shell in bash zsh fish; do
	run completion $shell; status 0 "completion $shell"
	err_is "" "completion $shell leaves stderr empty"
	for option in wpk timeout param-secret save-logs; do out_has "$option" "completion $shell knows --$option"; done
	if command -v $shell > /dev/null; then
		case $shell in bash|zsh) ok "$shell accepts it" $shell -n "$out" ;; fish) ok "fish accepts it" fish --no-execute "$out" ;; esac
	else
		skip "$shell accepts it" "$shell is not installed"
	fi
done

run completion bash
touch "$work/c-file.yaml"
complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _sandbox_runner; }
# shellcheck disable=SC1090
. "$out"
while IFS='|' read -r words expected; do
	[ -n "$words" ] || continue
	read -ra list <<< "$words"
	[ "${words: -1}" = ' ' ] && list+=("")
	complete_words "${list[@]}"
	[ "${COMPREPLY[*]}" = "$expected" ]; result $? "'$words' becomes '$expected' (got '${COMPREPLY[*]}')"
done <<'TABLE'
sandbox_runner val|validate
sandbox_runner --wp|--wpk=
sandbox_runner --type = k|kind kubernetes
sandbox_runner run --profile = res|restrictive
sandbox_runner run --color = |auto always never
sandbox_runner validate c-f|c-file.yaml
sandbox_runner run --wpk = c-f|c-file.yaml
sandbox_runner validate --str|--strict
sandbox_runner run --timeout = 5|
TABLE

run man; status 0 "man"
out_matches '^\.TH SANDBOX_RUNNER 1' "it is a manual page"
for section in NAME SYNOPSIS DESCRIPTION COMMANDS "EXIT STATUS" ENVIRONMENT; do out_matches "^\.SH $section" "with section $section"; done
out_has '.B \-\-wpk=SOURCE' "it describes --wpk"
out_lacks '.SS man' "but not itself"
if command -v groff > /dev/null; then
	groff -man -Tascii -P-cbou -ww "$out" > page 2> warnings; ok "groff formats it without a warning" test ! -s warnings
	ok "options show with hyphens" grep -q -- "param-secret=" page
else
	skip "groff formats it" "groff is not installed"
fi
finish
