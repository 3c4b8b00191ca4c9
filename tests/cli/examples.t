# SPDX-License-Identifier: Apache-2.0
# Every example validates without a finding, and every `# Run:` line in its header ends with the verdict and exit status of the `# Expect:`
# line below it, shows nothing of its `# Never:` text, and leaves the examples as they were.
. "$(dirname "$0")/lib.sh"

examples() { find "$repo/wpk-examples" -name '*.wpk.yaml' | sort; }
fingerprint() { find "$repo/wpk-examples" -type f -exec sha256sum {} + | sort | sha256sum; }
verdict_is() { [ "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["verdict"])' "$out")" = "$1" ]; }
never_shown() { ! grep -qF -- "$1" "$out" "$err"; }

run_line() {	# a command line of a header, plus options: as it stands there, from the top of the repository
	local line=$1; shift
	# shellcheck disable=SC2016
	(cd "$repo" && bash -c "${line/.\/sandbox_runner/\"\$SANDBOX_RUNNER\"} $*" > "$out" 2> "$err" < /dev/null); rc=$?
}

before=$(fingerprint)
for file in $(examples); do
	name=${file#"$repo/wpk-examples/"}
	run validate --format=json "$file"
	status 0 "$name validates"
	json 'len(d["findings"]) == 0'
	ok "$name is listed in the README" grep -qF "\`${name%/*.wpk.yaml}" "$repo/wpk-examples/README.md"
	never=$(sed -n 's/^# Never:  *//p' "$file")
	line='' lines=0
	while IFS= read -r comment; do
		case $comment in
		'# Run:'*) line=${comment#\# Run:}; line=${line#"${line%%[! ]*}"} ;;
		'# Expect:'*)
			[ -n "$line" ] || continue
			read -r verdict want <<< "$(sed -E 's/^# Expect: *([a-z_]+), exit ([0-9]+)$/\1 \2/' <<< "$comment")"
			run_line "$line" --format=json
			status "$want" "$line"
			ok "  its verdict is '$verdict'" verdict_is "$verdict"
			if [ -n "$never" ]; then
				ok "  '$never' is nowhere in the result" never_shown "$never"
				run_line "$line" --format=text
				ok "  nor in the text" never_shown "$never"
				out_has '***' "  but stars are"
			fi
			line='' lines=$((lines + 1)) ;;
		esac
	done < "$file"
	ok "$name says how to run it" [ "$lines" -gt 0 ]
done
ok 'the examples are as they were' [ "$before" = "$(fingerprint)" ]
left_nothing 'all examples'
finish
