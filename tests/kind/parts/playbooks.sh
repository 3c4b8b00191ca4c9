#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# playbooks: the five packages met in the wild ($PLAYBOOKS, or the folder that lies beside a checkout in our own test set-up) on a real cluster,
# with the fixtures of wpk-examples.
. "$(dirname "${BASH_SOURCE[0]}")/../../cli/lib.sh"
unset SANDBOX_RUNNER_TEST_TIME
cluster=(--type=kubernetes --kubeconfig="$TEST_KUBECONFIG" --context="$TEST_CONTEXT" --format=json)
on_cluster() { timeout 240 "$SANDBOX_RUNNER" run "${cluster[@]}" "$@" > "$out" 2> "$err" < /dev/null; rc=$?; }
playbooks=${PLAYBOOKS:-$repo/../shared/corpus/playbooks}
fixtures=$repo/wpk-examples/fixtures
# step NUMBER EXPRESSION WHAT: on one step as `s`, its output as `o`
step() { json "(lambda s, o: $2)(d['steps'][$1 - 1], (d['steps'][$1 - 1]['stdout'] or {}).get('text') or '')" "$3"; }
passed="s['mode'] == 'executed' and s['status'] == 'passed'"

playbook() { on_cluster --wpk="$playbooks/$1.wpk.yaml" --fixtures="$fixtures/$1" "${@:2}"; }
if [ -f "$playbooks/requeue-job.wpk.yaml" ]; then
	playbook restart-unhealthy; status 0 "restart-unhealthy"
	step 1 "$passed and 'lost the database' in o" "the log of the container before"
	step 2 "$passed and 'Started' in o" "events"
	step 3 "$passed and 'deployment/checkout restarted' in o" "a deployment is really restarted"
	step 4 "$passed and 'checkout is ready' in o" "and seen to be healthy"
	json 'd["verdict"] == "verified" and d["cleanup"]["complete"]' "nothing of it is simulated, nothing is left"

	playbook scale-on-latency; status 0 "scale-on-latency"
	step 1 "$passed and 'not evaluated' in s['reason']" "what was measured is told, and that the query was not evaluated"
	step 2 "$passed and 'scaled from 2 to 3' in o" "by its factor"
	step 3 "$passed and 'stands for' in o" "the condition of its own world is what the event says"

	playbook requeue-job; status 0 "requeue-job"
	step 1 "$passed and 'connection refused' in o and 'needs pods/log' in s['reason']" "a log that was not declared is told as such"
	step 2 "$passed and ': 1' in o" "a field"
	step 3 "$passed and 'retry-count=2' in o" "an annotation is incremented"
	step 4 "$passed and 'job/report-' in o and 'created' in o" "a Job is made like the one that failed"

	playbook rotate-secret --param SECRET_NAME=db --param APP_NAME=orders --param VAULT_ADDR=http://v --param SECRET_ROLE=r --param VAULT_TOKEN=tttt \
		--param APP_HEALTH_URL=http://h; status 0 "rotate-secret"
	step 2 "$passed and 'secret/db changed' in o" "a Secret is patched"
	step 3 "$passed and 'deployment/orders is ready' in o" "the deployment found by its label is restarted"
	out_lacks "after-rotation" "the new password is nowhere in the result"

	mkdir staging; echo data > staging/backup.sql; sha256sum staging/backup.sql > staging/checksums.txt
	on_cluster --wpk="$playbooks/backup-verify.wpk.yaml" --files=staging:staging --param STAGING_PATH=staging --param BACKUP_PATH=b --param CI_WEBHOOK_URL=http://c
	status 0 "backup-verify"
	step 1 "s['mode'] == 'simulated' and 'storage system' in s['reason']" "a copy is an action of a storage system"
	step 3 "$passed and 'backup.sql: OK' in o" "the checksums are checked in a Job"
else
	skip "five packages" "no playbooks at $playbooks (set PLAYBOOKS)"
fi
finish
