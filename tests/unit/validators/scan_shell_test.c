/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on commands: where shell text stands, what each condition sees, places in it, who has the word when several rules hold. */
#include "tests/unit/validators/scan_case.h"

#define SAMPLES ", samples: {match: [a], no_match: [b]}"
#define GRADED(id, severity, category, match) \
	"  - {id: t/" id ", title: x, severity: " severity ", category: " category ", help: h, suggestion: s, applies_to: shell, match: [" match "]" SAMPLES "}\n"
#define RULE(id, match) GRADED(id, "high", id, match)
#define RM RULE("rm", "{command: rm, deletes: ^/$, recursive: true}")
#define CONFIG(command) "    - {name: h, type: shell, config: {command: " command "}}\n"
#define SCRIPT(lines) "    - name: h\n      steps:\n        - name: s\n          shell:\n            command: |\n" lines
#define L "              "

#define PRIVILEGED \
	"  - {id: t/priv, title: x, severity: high, applies_to: container, category: c, help: h, suggestion: s, " \
	"match: [{at: securityContext.privileged, 'true': yes}]" SAMPLES "}\n"

static const struct scan_case cases[] = {
	{ "dialect A", RM, CONFIG("rm -rf /"),
	  "t/rm 8:55 </> spec.handlers[0].config.command\n" },
	{ "dialect B, several steps", RM, SCRIPT(L "ls\n" L "rm -rf /\n") "        - shell: {command: 'true; rm -r /'}\n        - shell: rm -r /\n",
	  "t/rm 14:22 </> spec.handlers[0].steps[0].shell.command\n"
	  "t/rm 15:41 </> spec.handlers[0].steps[1].shell.command\n"
	  "t/rm 16:24 </> spec.handlers[0].steps[2].shell\n" },
	{ "rollback", RM, "    []\n  rollback: {handlers: [{type: SHELL, config: {command: rm -rf /}}, {steps: [{shell: {command: rm -rf /}}]}]}\n",
	  "t/rm 9:64 </> spec.rollback.handlers[0].config.command\n"
	  "t/rm 9:103 </> spec.rollback.handlers[1].steps[0].shell.command\n" },
	{ "no type, a list of commands", RM, "    - {name: h, config: {command: [ls, rm -rf /]}}\n",
	  "t/rm 8:47 </> spec.handlers[0].config.command[1]\n" },
	{ "double quotes", RM, CONFIG("\"ls\\n\\x72m -rf /\""),
	  "t/rm 8:63 </> spec.handlers[0].config.command\n" },
	{ "folded", RM, "    - name: h\n      type: shell\n      config:\n        command: >\n          ls &&\n          rm -rf /\n",
	  "t/rm 13:18 </> spec.handlers[0].config.command\n" },
	{ "a literal with umlauts", RM, SCRIPT(L "echo 'ä€' && rm -rf / # ü\n"),
	  "t/rm 13:35 </> spec.handlers[0].steps[0].shell.command\n" },
	{ "several, and in a loop", RM, SCRIPT(L "for i in a b; do\n" L "  rm -rf /\n" L "done; rm -rf /\n"),
	  "t/rm 14:24 </> spec.handlers[0].steps[0].shell.command\n"
	  "t/rm 15:28 </> spec.handlers[0].steps[0].shell.command\n" },
	{ "continued lines", RM, SCRIPT(L "rm \\\n" L "  -rf \\\n" L "  /\n"),
	  "t/rm 15:17 </> spec.handlers[0].steps[0].shell.command\n" },
	{ "a container's arguments", RM, "    - {name: h, steps: [{container: {image: a, command: [rm, -rf], args: [/tmp, /]}}]}\n",
	  "t/rm 8:81 </> spec.handlers[0].steps[0].container.args[1]\n" },
	{ "a script among them", RM,
	  "    - name: h\n      steps:\n        - container:\n            command: [/bin/sh, -ec]\n            args:\n              - |\n                ls\n                rm -rf /\n",
	  "t/rm 15:24 </> spec.handlers[0].steps[0].container.args[0]\n" },
	{ "a mention among them", RM, "    - {name: h, steps: [{container: {command: [echo, sh, -c, rm -rf /]}}]}\n", "" },
	{ "command as text", RM, "    - {name: h, steps: [{container: {command: rm -rf /}}]}\n",
	  "t/rm 8:54 </> spec.handlers[0].steps[0].container.command\n" },
	{ "hooks and probes", RM,
	  "    - {name: h, steps: [{container: {lifecycle: {preStop: {exec: {command: [rm, -r, /]}}}, livenessProbe: {exec: {command: [sh, -c, 'rm -r /']}}}}]}\n",
	  "t/rm 8:85 </> spec.handlers[0].steps[0].container.lifecycle.preStop.exec.command[2]\n"
	  "t/rm 8:140 </> spec.handlers[0].steps[0].container.livenessProbe.exec.command[2]\n" },
	{ "pods in manifests", RM, "    - {name: h, steps: [{kubernetes: {kind: Job, apiVersion: a, spec: {template: {spec: {containers: [{args: [rm, -r, /]}]}}}}}]}\n",
	  "t/rm 8:119 </> spec.handlers[0].steps[0].kubernetes.spec.template.spec.containers[0].args[2]\n" },
	{ "not when dry, unless asked for", RULE("sync", "{command: rsync, args: --delete}") RULE("dry", "{command: rsync, traits: dry}"),
	  CONFIG("rsync -a --delete a/ b/; rsync --dry-run --delete a/ b/"),
	  "t/sync 8:57 <--delete> spec.handlers[0].config.command\n"
	  "t/dry 8:73 <rsync --dry-run --delete a/ b/> spec.handlers[0].config.command\n" },
	{ "arguments, one a line; bundles", RULE("a", "{command: tar, args: [^-x$, ^f.tar$]}") RULE("b", "{command: tar, args: '^-xvf\\n'}")
	  RULE("c", "{command: tar, args: ^x$}"), CONFIG("tar -xvf f.tar"),
	  "t/a 8:52 <-xvf> spec.handlers[0].config.command\n"
	  "t/b 8:52 <-xvf> spec.handlers[0].config.command\n" },
	{ "not_args, not_command, command_matches", RULE("a", "{command_matches: ^apt, not_args: ^-y$}") RULE("b", "{args: ^x$, not_command: [apt, dnf]}"),
	  CONFIG("apt install x; apt-get -y install x; dnf x; yum x"),
	  "t/a 8:48 <apt> spec.handlers[0].config.command\n"
	  "t/b 8:82 <x> spec.handlers[0].config.command\n"
	  "t/b 8:96 <x> spec.handlers[0].config.command\n" },
	{ "prefixes", RULE("mkfs", "{command: 'mkfs*', args: ^/dev/}"), CONFIG("mkfs.ext4 /dev/sda; mkfs -t x /dev/sdb; mk /dev/sdc"),
	  "t/mkfs 8:58 </dev/sda> spec.handlers[0].config.command\n"
	  "t/mkfs 8:78 </dev/sdb> spec.handlers[0].config.command\n" },
	{ "the whole line", RULE("line", "{line: 'git push .*--force'}"), CONFIG("cd x && git push origin --force"),
	  "t/line 8:56 <git push origin --force> spec.handlers[0].config.command\n" },
	{ "effects", RULE("w", "{writes: ^/etc/}") RULE("a", "{appends: ^/etc/}") RULE("r", "{reads: ^/etc/shadow$}"),
	  CONFIG("echo a > /etc/x; echo b >> /etc/y; cat < /etc/shadow; cp /etc/shadow z"),
	  "t/w 8:57 </etc/x> spec.handlers[0].config.command\n"
	  "t/w 8:75 </etc/y> spec.handlers[0].config.command\n"
	  "t/a 8:75 </etc/y> spec.handlers[0].config.command\n"
	  "t/r 8:89 </etc/shadow> spec.handlers[0].config.command\n"
	  "t/r 8:105 </etc/shadow> spec.handlers[0].config.command\n" },
	{ "assignments", RULE("ld", "{assigns: ^LD_PRELOAD=}"), CONFIG("LD_PRELOAD=/x.so ls; export LD_PRELOAD=/y.so"),
	  "t/ld 8:48 <LD_PRELOAD=/x.so> spec.handlers[0].config.command\n" },
	{ "hosts", RULE("ext", "{command: [curl, nc], host: external}") RULE("meta", "{host: metadata}"),
	  CONFIG("curl http://db.internal/; curl -s https://example.com/x; nc example.org 4444; wget http://169.254.169.254/latest"),
	  "t/ext 8:82 <https://example.com/x> spec.handlers[0].config.command\n"
	  "t/ext 8:108 <example.org> spec.handlers[0].config.command\n"
	  "t/meta 8:131 <http://169.254.169.254/latest> spec.handlers[0].config.command\n" },
	{ "what is run, and where it is from", RULE("exec", "{code_from: network, command: [sh, bash]}"), CONFIG("curl https://example.com/i.sh | bash"),
	  "t/exec 8:48 <curl https://example.com/i.sh> spec.handlers[0].config.command\n" },
	{ "pipelines", RULE("piped", "{command: sh, piped_from: [curl]}"), CONFIG("curl http://db/x | tee y | sh; sh z"),
	  "t/piped 8:75 <sh> spec.handlers[0].config.command\n" },
	{ "traits", RULE("bomb", "{traits: fork-bomb}"), CONFIG("'f() { f | f & }; f'"),
	  "t/bomb 8:55 <f> spec.handlers[0].config.command\n"
	  "t/bomb 8:59 <f> spec.handlers[0].config.command\n" },
	{ "nested text is placed at its word", RM, CONFIG("bash -c 'ls; rm -rf /'"),
	  "t/rm 8:68 </> spec.handlers[0].config.command\n" },
	{ "the graver rule of a category", GRADED("any", "low", "destroy", "{command: rm}") GRADED("root", "critical", "destroy", "{command: rm, deletes: ^/$}")
	  GRADED("other", "low", "else", "{command: rm, deletes: ^/}"), CONFIG("rm -rf / /tmp/x; rm y"),
	  "t/root 8:55 </> spec.handlers[0].config.command\n"
	  "t/other 8:55 </> spec.handlers[0].config.command\n"
	  "t/any 8:65 <rm y> spec.handlers[0].config.command\n" },
	{ "one rule by several matches", RULE("rm", "{command: rm, args: ^-r$}, {command: rm, args: ^-f$}, {command: rm, deletes: ^/$}"), CONFIG("rm -rf /"),
	  "t/rm 8:51 <-rf> spec.handlers[0].config.command\n" },
	{ "never called", RM, CONFIG("'f() { rm -rf /; }'"),
	  "t/rm 8:62 </> spec.handlers[0].config.command\n" },
	{ "manifests by kubectl", PRIVILEGED, SCRIPT(L "kubectl apply -f - <<'E'\n" L "apiVersion: v1\n" L "kind: X\n" L "---\n" L "apiVersion: v1\n" L "kind: Pod\n"
	  L "spec:\n" L "  containers:\n" L "    - {image: a, securityContext: {privileged: true}}\n" L "E\n"),
	  "t/priv 21:62 <true> spec.handlers[0].steps[0].shell.command\n" },
	{ "manifests with what is not known", PRIVILEGED, SCRIPT(L "cat <<E | kubectl create -f -\n" L "apiVersion: v1\n" L "kind: Pod\n"
	  L "spec: {containers: [{image: $I, securityContext: {privileged: true}}]}\n" L "E\n"),
	  "t/priv 14:15 <apiVersion: v1> spec.handlers[0].steps[0].shell.command | apiVersion: v1 kind: Pod spec: {containers: [{image: $I, securityContext: {privileged: true}}]}\n" },
	{ "manifests by a file", PRIVILEGED, SCRIPT(L "cat > p.yaml <<E\n" L "{apiVersion: v1, kind: Pod, spec: {containers: [{securityContext: {privileged: true}}]}}\n" L "E\n"
	  L "kubectl apply -f p.yaml\n"),
	  "t/priv 14:94 <true> spec.handlers[0].steps[0].shell.command\n" },
	{ "manifests that are only text", PRIVILEGED, SCRIPT(L "cat > p.yaml <<E\n" L "{apiVersion: v1, kind: Pod, spec: {containers: [{securityContext: {privileged: true}}]}}\n" L "E\n"),
	  "" },
	{ "manifests as arguments", PRIVILEGED,
	  SCRIPT(L "kubectl run x --image=a --overrides='{\"spec\": {\"containers\": [{\"securityContext\": {\"privileged\": true}}]}}'\n"),
	  "t/priv 13:112 <true> spec.handlers[0].steps[0].shell.command\n" },
	{ "manifests as text", PRIVILEGED,
	  "    - {type: k8s, config: {action: apply, manifest: \"apiVersion: v1\\nkind: Pod\\nspec: {containers: [{securityContext: {privileged: true}}]}\"}}\n",
	  "t/priv 8:132 <true> spec.handlers[0].config.manifest\n" },
	{ "scripts of a ConfigMap", RM,
	  "    - {steps: [{kubernetes: {apiVersion: v1, kind: ConfigMap, data: {a: \"#!/bin/sh -e\\nrm -rf /\", b: rm -rf /, c: \"#!/usr/bin/fish\\nrm -rf /\"}}}]}\n",
	  "t/rm 8:95 </> spec.handlers[0].steps[0].kubernetes.data.a\n"
	  "t/rm 8:140 </> spec.handlers[0].steps[0].kubernetes.data.c\n" },
	{ "scripts of workflow engines", RM,
	  "    - {steps: [{kubernetes: {apiVersion: v1, kind: Task, spec: {steps: [{image: a, script: rm -rf /}, {image: b, script: \"#!/usr/bin/env python\\nrm -rf /\"}]}}}]}\n",
	  "t/rm 8:99 </> spec.handlers[0].steps[0].kubernetes.spec.steps[0].script\n" },
	{ "part of a word", RULE("t", "{args: '=(?<at>tok_\\w+)'}, {assigns: '=(?<at>tok_\\w+)'}"),
	  CONFIG("x --a=tok_1; x '--a=tok_2'; x --a=t'o'k_3; A=tok_4 ls; X=tok_5; x --a=$X"),
	  "t/t 8:54 <tok_1> spec.handlers[0].config.command\n"
	  "t/t 8:68 <tok_2> spec.handlers[0].config.command\n"
	  "t/t 8:78 <--a=t'o'k_3> spec.handlers[0].config.command\n"
	  "t/t 8:93 <tok_4> spec.handlers[0].config.command\n"
	  "t/t 8:105 <tok_5> spec.handlers[0].config.command\n"
	  "t/t 8:114 <--a=$X> spec.handlers[0].config.command\n" },
	{ "what is computed is said so", RULE("none", "{command: none}"), SCRIPT(L "ls\n" L "$(date) x\n" L "\"$CMD\" y\n"),
	  "scan/unresolved-command 14:15 <$(date) x> spec.handlers[0].steps[0].shell.command | -\n" },
	{ "what cannot be read", RULE("none", "{command: none}"), SCRIPT(L "ls\n" L "echo 'abc\n"),
	  "scan/unreadable-shell 14:20 <'> spec.handlers[0].steps[0].shell.command | -\n" },
};

static void finds_what_is_there(void **state)
{
	bool hold = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		hold &= case_holds(&cases[i]);
	assert_true(hold);
}

static char *first_message(const char *rules_yaml, const char *handlers)
{
	struct rule_set *rules = rules_of(rules_yaml);
	autofree char *package = package_of(handlers);
	struct finding_list findings;
	char *message;

	scan_yaml(rules, package, strlen(package), &findings);
	message = findings.len ? xstrdup(findings.items[0].message) : xstrdup("");
	finding_list_release(&findings);
	rules_free(rules);
	return message;
}

#define SAYS(match, text) \
	"  - {id: t/says, title: Title, message: \"" text "\", severity: low, applies_to: shell, category: c, help: h, suggestion: s, " \
	"match: [" match "]" SAMPLES "}\n"

static void says_what_is_meant(void **state)
{
	static const struct { const char *rules, *handlers, *message; } rows[] = {
		{ RM, CONFIG("rm -rf /"), "x" },
		{ SAYS("{command: rm, deletes: ^/e}", "{command} deletes {match}"), CONFIG("cd /; X=et; /bin/rm $X\"c\"/./x"),
		  "rm deletes /etc/x" },
		{ SAYS("{command: rm, deletes: ^/$}", "'{match}' goes"), CONFIG("'f() { rm /; }'"),
		  "'/' goes (in a function that nothing here calls)" },
		{ SAYS("{command: x, args: ^b.*}", "<{match}>"), CONFIG("\"x a 'b\\nc\\td'\""), "<b c\\td>" },
		{ RULE("none", "{command: none}"), SCRIPT(L "ls\n" L "$(date) x\n" L "\"$CMD\" y\n"),
		  "which command '$(date)' runs cannot be told before, like 1 more in this script" },
		{ RULE("none", "{command: none}"), SCRIPT(L "ls\n" L "echo 'abc\n"), "this single quote never ends, what follows may be read wrongly" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *message = first_message(rows[i].rules, rows[i].handlers);

		assert_string_equal(message, rows[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(says_what_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
