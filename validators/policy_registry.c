/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/policy_registry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"
#include "validators/pattern.h"

#define CPU_MAX 4
#define MEMORY_MAX_GIB 8
#define NUMBER_MAX 400		/* characters of an amount; longer ones are no numbers that anybody wrote */

/* The published expressions, one for each rule. Python's \s and its letters without case know a few characters more than PCRE2's: the
 * separators below a blank, and the two letters i of Turkish. */
#define SPACE "[\\s\\x1c-\\x1f]"
#define NO_SPACE "[^'\"\\s\\x1c-\\x1f]"
#define I "[i\\x{130}\\x{131}]"
static const char network_pattern[] = "(*UCP)(?i)"
	"(?:curl|wget)" SPACE "+.*https?://(?!localhost|127\\.0\\.0\\.1|10\\.|172\\.|192\\.168\\.)"
	"|(?:nc|netcat)" SPACE "+.*\\.(?:com|org|net|" I "o)"
	"|(?:ssh|scp)" SPACE "+.*@.*\\.(?:com|org|net|" I "o)";
static const char secret_pattern[] = "(*UCP)(?i)"
	"(?:password|secret|key|token)" SPACE "*[:=]" SPACE "*['\"]" NO_SPACE "{8,}['\"]"
	"|(?:ap" I "_key|access_key|pr" I "vate_key)" SPACE "*[:=]"
	"|['\"][a-z0-9+/\\x{130}\\x{131}]{20,}={0,2}['\"]";

enum registry_rule {
	PRIVILEGED_CONTAINER, HOST_PATH_MOUNT, DANGEROUS_CAPABILITIES, CLUSTER_PERMISSIONS, EXTERNAL_NETWORK, HARDCODED_SECRETS,
	EXCESSIVE_RESOURCES, MISSING_LIMITS, INSECURE_IMAGE,
};

#define RULE(id_, severity_, cwe_, category_, scope_, title_, message_, help_, suggestion_) \
	{ .id = id_, .severity = severity_, .cwe = cwe_, .category = category_, .scope = scope_, .title = title_, .message = message_, \
	  .help = help_, .suggestion = suggestion_, .file = "validators/policy_registry.c", .line = __LINE__ }
static const struct rule rules[] = {
	[PRIVILEGED_CONTAINER] = RULE("privileged_container", SEVERITY_CRITICAL, "CWE-250", "container", SCOPE_CONTAINER,
		"Privileged container", "the container is privileged",
		"A privileged container can do everything that root on the host can.",
		"remove 'privileged' and add the capabilities that are needed"),
	[HOST_PATH_MOUNT] = RULE("host_path_mount", SEVERITY_CRITICAL, "CWE-22", "container", SCOPE_CONTAINER,
		"Sensitive path of the host", "a sensitive path of the host is mounted",
		"With the root, /etc, /proc, /sys, the engine's socket or the folders of engine and kubelet the host is in the container's hands.",
		"mount the file or folder that is needed, or use a volume"),
	[DANGEROUS_CAPABILITIES] = RULE("dangerous_capabilities", SEVERITY_CRITICAL, "CWE-250", "container", SCOPE_CONTAINER,
		"Dangerous capabilities", "the container gets dangerous capabilities",
		"CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_PTRACE and CAP_SYS_MODULE reach beyond the container. Other spellings are not looked for.",
		"remove the capabilities that are not needed"),
	[CLUSTER_PERMISSIONS] = RULE("cluster_permissions", SEVERITY_HIGH, "CWE-269", "kubernetes", SCOPE_MANIFEST,
		"Rights over the whole cluster", "the manifest gives rights over the whole cluster",
		"A ClusterRole or ClusterRoleBinding holds in every namespace.", "use a Role and a RoleBinding in a namespace"),
	[EXTERNAL_NETWORK] = RULE("external_network", SEVERITY_HIGH, "CWE-918", "network", SCOPE_SHELL,
		"Network outside", "the command reaches out to the network outside",
		"curl or wget with an address that does not begin like one of one's own; nc, ssh or scp with a name in com, org, net or io.",
		"use hosts of your own"),
	[HARDCODED_SECRETS] = RULE("hardcoded_secrets", SEVERITY_HIGH, "CWE-798", "secrets", SCOPE_SHELL,
		"Secret in clear", "the command may hold a secret in clear",
		"A quoted value after a word like 'password', anything assigned to an API key, or 20 quoted letters. References count as well.",
		"use a secret parameter or a mounted secret"),
	[EXCESSIVE_RESOURCES] = RULE("excessive_resources", SEVERITY_MEDIUM, "CWE-400", "resources", SCOPE_CONTAINER,
		"Too large limit", "the limit is above 4 processors or 8 GiB",
		"One container may starve the others. Limits in bytes or Ti are not read.", "lower the limit"),
	[MISSING_LIMITS] = RULE("missing_limits", SEVERITY_MEDIUM, "CWE-400", "resources", SCOPE_CONTAINER,
		"No limits", "the container has no limits", "One container may starve the others.", "set resources.limits"),
	[INSECURE_IMAGE] = RULE("insecure_image", SEVERITY_MEDIUM, "CWE-829", "image", SCOPE_CONTAINER,
		"Image without a fixed version", "the image has no fixed version",
		"What ':latest' or no tag stands for changes. A port counts as a tag.", "name a version"),
};
const struct rule_tables registry_tables = { .rules = rules, .len = ARRAY_SIZE(rules) };

struct step {
	const struct document *doc;
	struct finding_list *findings;
	struct pattern *network, *secret;
	const char *path;	/* "spec.handlers[0].steps[1]" */
};

static void add(const struct step *s, enum registry_rule rule, const struct node *node, const char *below, const struct span *span)
{
	autofree char *path = xasprintf("%s.%s", s->path, below);
	struct finding *f = finding_at(s->findings, FINDING_WARNING, rules[rule].id, node, path, "%s", rules[rule].message);

	f->of_rule = true;
	f->severity = rules[rule].severity;
	f->cwe = rules[rule].cwe;
	f->category = rules[rule].category;
	f->suggestion = xstrdup(rules[rule].suggestion);
	if (!span)
		return;
	f->position = node_text_position(s->doc, node, span->offset);
	f->width = 1;
	if (rule != HARDCODED_SECRETS)
		f->matched = xstrndup(node->text + span->offset, span->len < FINDING_MATCHED_MAX ? span->len : FINDING_MATCHED_MAX);
}

/* ---- values as Python has them */

/* `0`, `-00`, `0x0`, `0b_0` */
static bool is_whole_zero(const char *text)
{
	text += *text == '-' || *text == '+';
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'b'))
		text += 2;
	return *text && !text[strspn(text, "0_")] && strchr(text, '0');
}

static bool is_truthy(const struct node *node)
{
	double number;
	bool boolean;

	if (node_is_null(node))
		return false;
	if (node->kind != NODE_SCALAR || !node->implicit)
		return node->len > 0;
	if (node_is_bool(node, &boolean))
		return boolean;
	if (is_whole_zero(node->text))
		return false;
	return !node_is_number(node, &number) || number != 0;
}

/* Text of a scalar; "" for what is absent or no scalar. */
static const char *text_of(const struct node *node)
{
	return node && node->kind == NODE_SCALAR && !node_is_null(node) ? node->text : "";
}

/* float(): blanks around it, single underscores between digits, no hexadecimal numbers. */
static bool python_float(const char *s, size_t len, double *ret)
{
	char buf[NUMBER_MAX + 1], *end;
	size_t n = 0;

	while (len && isspace((unsigned char)*s))
		s++, len--;
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	if (!len || len > NUMBER_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool between = i && i + 1 < len && isdigit((unsigned char)s[i - 1]) && isdigit((unsigned char)s[i + 1]);

		if (strchr("xXpP(", s[i]) || isspace((unsigned char)s[i]) || (s[i] == '_' && !between))
			return false;
		if (s[i] != '_')
			buf[n++] = s[i];
	}
	buf[n] = '\0';
	*ret = strtod(buf, &end);
	return !*end;
}

struct unit {
	const char *suffix;
	double factor;
};

/* The first suffix that fits decides. An amount that cannot be read is not too much. */
static bool is_too_much(const char *value, const struct unit *units, size_t units_len, double limit)
{
	size_t len = strlen(value);
	double amount;

	for (size_t i = 0; i < units_len; i++) {
		size_t suffix = strlen(units[i].suffix);

		if (len >= suffix && !strcasecmp(value + len - suffix, units[i].suffix))
			return python_float(value, len - suffix, &amount) && amount * units[i].factor > limit;
	}
	return false;
}

/* ---- containers */

static void check_privileged(const struct step *s, const struct node *container)
{
	const struct node *privileged = node_get(node_get(container, "securityContext"), "privileged");

	if (privileged && is_truthy(privileged))
		add(s, PRIVILEGED_CONTAINER, privileged, "container.securityContext.privileged", NULL);
}

static void check_capabilities(const struct step *s, const struct node *container)
{
	static const char *const dangerous[] = { "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_MODULE" };
	const struct node *list = node_get(node_get(node_get(container, "securityContext"), "capabilities"), "add");

	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(dangerous); j++) {
			if (strcmp(text_of(list->items[i]), dangerous[j]) != 0)
				continue;
			add(s, DANGEROUS_CAPABILITIES, list, "container.securityContext.capabilities.add", NULL);
			return;
		}
	}
}

static bool is_sensitive(const char *path)
{
	static const char *const sensitive[] = {
		"/", "/etc", "/var/run/docker.sock", "/proc", "/sys", "/var/lib/docker", "/var/lib/kubelet", "/etc/kubernetes",
	};

	for (size_t i = 0; i < ARRAY_SIZE(sensitive); i++)
		if (!strcmp(path, sensitive[i]))
			return true;
	return !strncmp(path, "/var/run/", strlen("/var/run/"));
}

static void check_mounts(const struct step *s, const struct node *container)
{
	const struct node *list = node_get(container, "volumeMounts");

	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++) {
		const struct node *path = list->items[i]->kind == NODE_MAPPING ? node_get(list->items[i], "mountPath") : NULL;
		autofree char *below = xasprintf("container.volumeMounts[%zu].mountPath", i);

		if (is_sensitive(text_of(path)))
			add(s, HOST_PATH_MOUNT, path, below, NULL);
	}
}

static void check_limits(const struct step *s, const struct node *container)
{
	static const struct unit cpu_units[] = { { "M", .001 }, { "", 1 } };
	static const struct unit memory_units[] = { { "GI", 1 }, { "MI", 1.0 / 1024 }, { "G", 1 }, { "M", 1.0 / 1024 } };
	const struct node *resources = node_get(container, "resources"), *limits = node_get(resources, "limits");
	const struct node *cpu = node_get(limits, "cpu"), *memory = node_get(limits, "memory");

	if (!limits || !is_truthy(limits))
		add(s, MISSING_LIMITS, container, "container.resources", NULL);
	if (is_too_much(text_of(cpu), cpu_units, ARRAY_SIZE(cpu_units), CPU_MAX))
		add(s, EXCESSIVE_RESOURCES, cpu, "container.resources.limits.cpu", NULL);
	if (is_too_much(text_of(memory), memory_units, ARRAY_SIZE(memory_units), MEMORY_MAX_GIB))
		add(s, EXCESSIVE_RESOURCES, memory, "container.resources.limits.memory", NULL);
}

static void check_image(const struct step *s, const struct node *container)
{
	static const char latest[] = ":latest";
	const struct node *image = node_get(container, "image");
	const char *text = text_of(image);
	size_t len = strlen(text);
	bool moving = len >= strlen(latest) && !strcmp(text + len - strlen(latest), latest);

	if (moving || !strchr(text, ':'))
		add(s, INSECURE_IMAGE, image ? image : container, image ? "container.image" : "container", NULL);
}

static void check_container(const struct step *s, const struct node *container)
{
	if (!container || container->kind != NODE_MAPPING)
		return;
	check_privileged(s, container);
	check_capabilities(s, container);
	check_mounts(s, container);
	check_limits(s, container);
	check_image(s, container);
}

/* ---- manifests and commands */

static void check_manifest(const struct step *s, const struct node *manifest)
{
	const struct node *kind = node_get(manifest, "kind");

	if (!strcmp(text_of(kind), "ClusterRole") || !strcmp(text_of(kind), "ClusterRoleBinding"))
		add(s, CLUSTER_PERMISSIONS, kind, "kubernetes.kind", NULL);
}

static void check_text(const struct step *s, struct pattern *pattern, enum registry_rule rule, const struct node *command)
{
	struct span span;
	struct finding *f;

	switch (pattern_match(pattern, command->text, command->len, 0, &span)) {
	case PATTERN_YES:
		add(s, rule, command, "shell.command", &span);
		break;
	case PATTERN_LIMIT:
		f = finding_at(s->findings, FINDING_WARNING, "scan/limit", command, s->path, "the command is too much for the rule '%s'", rules[rule].id);
		f->of_rule = true;
		f->severity = SEVERITY_MEDIUM;
		break;
	case PATTERN_NO:
		break;
	}
}

static void check_shell(const struct step *s, const struct node *shell)
{
	const struct node *command = node_get(shell, "command");

	if (!command || command->kind != NODE_SCALAR)
		return;
	check_text(s, s->network, EXTERNAL_NETWORK, command);
	check_text(s, s->secret, HARDCODED_SECRETS, command);
}

static const struct node *list_at(const struct node *map, const char *key, size_t *ret_len)
{
	const struct node *list = map && map->kind == NODE_MAPPING ? node_get(map, key) : NULL;

	*ret_len = list && list->kind == NODE_SEQUENCE ? list->len : 0;
	return list;
}

void registry_rules(const struct document *doc, struct finding_list *findings)
{
	struct step s = {
		.doc = doc, .findings = findings, .network = pattern_new_lazy(network_pattern), .secret = pattern_new_lazy(secret_pattern),
	};
	size_t handlers_len, steps_len;
	const struct node *handlers = list_at(node_get(doc->root, "spec"), "handlers", &handlers_len);

	for (size_t i = 0; i < handlers_len; i++) {
		const struct node *steps = list_at(handlers->items[i], "steps", &steps_len);

		for (size_t j = 0; j < steps_len; j++) {
			autofree char *path = xasprintf("spec.handlers[%zu].steps[%zu]", i, j);
			const struct node *step = steps->items[j];

			if (step->kind != NODE_MAPPING)
				continue;
			s.path = path;
			check_container(&s, node_get(step, "container"));
			check_manifest(&s, node_get(step, "kubernetes"));
			check_shell(&s, node_get(step, "shell"));
		}
	}
	pattern_free(s.network);
	pattern_free(s.secret);
}
