# SPDX-License-Identifier: Apache-2.0
# Five packages met in the wild validate, plan and run; each result says honestly what was only simulated. They are not part of
# this repository: $PLAYBOOKS, or the folder that lies beside a checkout in our own test set-up.
playbooks=${PLAYBOOKS:-../shared/corpus/playbooks}
[ -f "$playbooks/backup-verify.wpk.yaml" ] || { echo "no playbooks at $playbooks (set PLAYBOOKS)"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export SANDBOX_RUNNER_STATE_DIR=$tmp/state
n=0
check() {	# description, then a command that must succeed
	local what=$1; shift
	if "$@" > "$tmp/out" 2>&1; then echo "ok $((n += 1)) - $what"; else echo "not ok $((n += 1)) - $what"; sed 's/^/# /' "$tmp/out" | head -20; fi
}
status() {	# expected exit status, then the command; stdout to $tmp/result.json
	local want=$1 got; shift
	"$@" > "$tmp/result.json" 2> "$tmp/err"; got=$?
	[ "$got" = "$want" ] || { echo "exit $got, wanted $want"; cat "$tmp/err"; return 1; }
}
json() { jq -e "$1" "$tmp/result.json"; }

for p in backup-verify requeue-job restart-unhealthy rotate-secret scale-on-latency; do
	f=$playbooks/$p.wpk.yaml
	check "$p validates without a word" sh -c "out=\$('$SANDBOX_RUNNER' validate --format=json '$f') && printf '%s' \"\$out\" | jq -e '.findings | length == 0'"
	check "$p plans" status 0 "$SANDBOX_RUNNER" plan --format=json "$f"
done
for p in requeue-job restart-unhealthy rotate-secret scale-on-latency; do
	check "$p runs" status 0 "$SANDBOX_RUNNER" --wpk="$playbooks/$p.wpk.yaml" --format=json
	check "$p: nothing executed, and it says so" json '.verdict == "nothing_executed" and all(.steps[]; .mode == "simulated" or .mode == "skipped") and all(.steps[]; .reason != null)'
done

mkdir -p "$tmp/files/staging"
echo 'customer records' > "$tmp/files/staging/dump.sql"
(cd "$tmp/files/staging" && sha256sum dump.sql | sed 's| dump| staging/dump|' > checksums.txt)
run="$SANDBOX_RUNNER --wpk=$playbooks/backup-verify.wpk.yaml --format=json --param STAGING_PATH=staging --files=$tmp/files"
check "backup-verify runs with its parameter and files" status 0 $run
check "its checksum step is really executed" json '.verdict == "partial" and ([.steps[] | select(.mode == "executed")] | length) == 1 and (.steps[] | select(.name == "checksum-verify") | .status == "passed" and (.stdout.text | test("dump.sql: OK")))'
check "the other three say why not" json '[.steps[] | select(.mode == "simulated" and .reason != null)] | length == 3'
echo 'tampered' >> "$tmp/files/staging/dump.sql"
sed 's/backoff: "10s"/backoff: "10ms"/' "$playbooks/backup-verify.wpk.yaml" > "$tmp/fast.wpk.yaml"
check "a damaged backup fails" status 1 "$SANDBOX_RUNNER" --wpk="$tmp/fast.wpk.yaml" --format=json --param STAGING_PATH=staging --files="$tmp/files"
check "and names the step" json '.verdict == "failed" and (.steps[] | select(.name == "checksum-verify") | .status == "failed" and .attempts == 2)'
check "without the parameter it is refused at its place" status 3 "$SANDBOX_RUNNER" --wpk="$playbooks/backup-verify.wpk.yaml" --format=json
check "naming file and line" grep -E 'backup-verify.wpk.yaml:53:[0-9]+: error: .*STAGING_PATH' "$tmp/err"
echo "1..$n"
