/* SPDX-License-Identifier: Apache-2.0
 * From a file to settings: every key is looked up in the option tables, every value is tried. All that is wrong is told at once. */
#include "cmd/config.h"

#include <ctype.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/quantity.h"

#define NAMES_MAX 96
#define CLEANUP_LEAST_NS (30 * NS_PER_SEC)	/* clean-up gives up sooner than that by itself */

static const char *const sections[] = { "limits", "security", "cleanup" };

struct reader {
	struct config_file *f;
	const struct option_spec *const *known;
	const char *section;		/* "": of 'sandbox' itself */
};

static struct finding *complain(struct reader *r, const struct node *node, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static struct finding *complain(struct reader *r, const struct node *node, const char *rule, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	return finding_at(&r->f->findings, FINDING_ERROR, rule, node, NULL, "%s", text.buf);
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

bool config_row_is_called(const struct option_spec *row, const char *name)
{
	return same_name(row->name, name) || (row->key && same_name(row->key, name));
}

void config_row_name(const struct option_spec *row, struct strbuf *out)
{
	if (*row->section)
		strbuf_addf(out, "%s.", row->section);
	for (const char *p = row->key ? row->key : row->name; *p; p++)
		strbuf_addch(out, *p == '-' ? '_' : *p);
}

static const struct option_spec *find_row(const struct reader *r, const char *section, const char *name)
{
	for (const struct option_spec *const *t = r->known; *t; t++)
		for (const struct option_spec *row = *t; row->name; row++)
			if (row->section && (!section || !strcmp(row->section, section)) && config_row_is_called(row, name))
				return row;
	return NULL;
}

/* ---- capabilities */

static const char *const capabilities[] = {
	"ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
	"DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE",
	"MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
	"SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE",
	"SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
};

/* NULL: no capability, and it was said. */
static const char *capability_of(struct reader *r, const struct node *node)
{
	const char *name = node->kind == NODE_SCALAR ? node->text : "";
	const char *near;

	if (!strncasecmp(name, "CAP_", 4))
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (!strcasecmp(capabilities[i], name))
			return capabilities[i];
	near = nearest(name, capabilities, ARRAY_SIZE(capabilities));
	if (near)
		complain(r, node, "config/value", "there is no capability '%s'; did you mean '%s'?", name, near);
	else
		complain(r, node, "config/value", "there is no capability '%s'", name);
	return NULL;
}

/* ---- keys with one possible meaning */

struct fixed {
	const char *section, *key, *value;
	void (*check)(struct reader *r, const struct fixed *fixed, const struct node *value);
	const char *why;
};

static void check_bool(struct reader *r, const struct fixed *fixed, const struct node *value)
{
	bool is, must = !strcmp(fixed->value, "true");

	if (!node_is_bool(value, &is))
		complain(r, value, "config/value", "'%s' is true or false", fixed->key);
	else if (is != must)
		complain(r, value, "config/not-honoured", "'%s: %s' cannot be honoured: %s", fixed->key, is ? "true" : "false", fixed->why);
}

static void check_dropped(struct reader *r, const struct fixed *fixed, const struct node *value)
{
	bool all = false;

	if (value->kind != NODE_SEQUENCE) {
		complain(r, value, "config/value", "'%s' is a list of capabilities", fixed->key);
		return;
	}
	for (size_t i = 0; i < value->len; i++) {
		const char *name = capability_of(r, value->items[i]);

		all |= !name || !strcmp(name, "ALL");
	}
	if (!all)
		complain(r, value, "config/not-honoured", "a part cannot be dropped: a sandbox has no capability at all; write [ALL]");
}

static void check_added(struct reader *r, const struct fixed *fixed, const struct node *value)
{
	if (value->kind != NODE_SEQUENCE) {
		complain(r, value, "config/value", "'%s' is a list of capabilities", fixed->key);
		return;
	}
	for (size_t i = 0; i < value->len; i++) {
		const char *name = capability_of(r, value->items[i]);

		if (name && strcmp(name, "NET_BIND_SERVICE"))
			complain(r, value->items[i], "config/not-honoured",
				 "capability '%s' cannot be given to a sandbox; NET_BIND_SERVICE is the only one that can", name);
	}
}

static void check_cleanup_timeout(struct reader *r, const struct fixed *fixed, const struct node *value)
{
	struct error err;
	uint64_t ns;

	if (value->kind != NODE_SCALAR)
		complain(r, value, "config/value", "'%s' is a time as in 5m", fixed->key);
	else if (duration_parse(value->text, value->len, &ns, &err) < 0)
		complain(r, value, "config/value", "%s", err.text);
	else if (ns < CLEANUP_LEAST_NS)
		complain(r, value, "config/not-honoured", "'%s: %s' cannot be promised: 30s is the least", fixed->key, value->text);
}

static const struct fixed fixed[] = {
	{ "security", "allow_privileged", "false", check_bool, "no sandbox here is privileged" },
	{ "security", "host_network", "false", check_bool, "a sandbox never sees the host's network" },
	{ "security", "host_pid", "false", check_bool, "a sandbox never sees the host's processes" },
	{ "security", "host_ipc", "false", check_bool, "a sandbox never shares the host's IPC objects" },
	{ "security", "drop_capabilities", "[ALL]", check_dropped, NULL },
	{ "security", "add_capabilities", NULL, check_added, NULL },	/* it is --net-bind-service, see add_setting() */
	{ "cleanup", "auto_cleanup", "true", check_bool, "what a run makes is always removed; --keep=TIME keeps the sandbox for a while" },
	{ "cleanup", "force_cleanup", "true", check_bool, "what does not end by itself is always killed" },
	{ "cleanup", "cleanup_timeout", "30s or more", check_cleanup_timeout, NULL },
};

bool config_fixed_at(size_t i, const char **section, const char **key, const char **value)
{
	if (i >= ARRAY_SIZE(fixed))
		return false;
	*section = fixed[i].section;
	*key = fixed[i].key;
	*value = fixed[i].value;
	return true;
}

static const struct fixed *find_fixed(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (!strcmp(fixed[i].section, section) && same_name(fixed[i].key, key))
			return &fixed[i];
	return NULL;
}

/* ---- settings */

static void add_setting(struct reader *r, const struct option_spec *row, const struct node *key, const struct node *value, bool on)
{
	struct config_file *f = r->f;

	for (size_t i = 0; i < f->len; i++)
		if (f->settings[i].row == row) {
			complain(r, key, "config/twice", "'%s' is the same as '%s' in line %u: it is set twice", key->text,
				 f->settings[i].key->text, (unsigned int)f->settings[i].key->start.line);
			return;
		}
	ARRAY_GROW(f->settings, f->len, f->alloc);
	f->settings[f->len++] = (struct config_setting){ .row = row, .key = key, .value = value, .on = on };
}

/* Try a value without keeping it. */
static bool try_value(struct reader *r, const struct option_spec *row, const struct node *value)
{
	union { const char *text; uint64_t number; struct strvec list; } member = { .list = { 0 } };
	struct option_spec copy = *row;
	struct error err;
	int rc;

	copy.offset = 0;
	rc = option_set(&copy, value->text, &member, &err);
	if (row->kind == OPTION_LIST)
		strvec_release(&member.list);
	if (rc < 0)
		complain(r, value, "config/value", "%s", err.text);
	return rc == 0;
}

static void set_list(struct reader *r, const struct option_spec *row, const struct node *key, const struct node *value)
{
	bool good = true;

	for (size_t i = 0; value->kind == NODE_SEQUENCE && i < value->len; i++) {
		if (value->items[i]->kind != NODE_SCALAR || node_is_null(value->items[i])) {
			complain(r, value->items[i], "config/value", "a text is wanted here, not a %s", node_type_name(value->items[i]));
			good = false;
		} else if (!try_value(r, row, value->items[i])) {
			good = false;
		}
	}
	if (value->kind == NODE_SCALAR)
		good = try_value(r, row, value);
	if (good)
		add_setting(r, row, key, value, false);
}

static void set_row(struct reader *r, const struct option_spec *row, const struct node *key, const struct node *value)
{
	bool on = false;

	if (row->kind == OPTION_LIST && value->kind != NODE_MAPPING) {
		set_list(r, row, key, value);
	} else if (row->kind == OPTION_FLAG) {
		if (node_is_bool(value, &on))
			add_setting(r, row, key, value, on);
		else
			complain(r, value, "config/value", "'%s' is true or false", key->text);
	} else if (value->kind != NODE_SCALAR) {
		complain(r, value, "config/value", "'%s' has one value (%s), not a %s", key->text, row->value, node_type_name(value));
	} else if (try_value(r, row, value)) {
		add_setting(r, row, key, value, false);
	}
}

static void set_fixed(struct reader *r, const struct fixed *one, const struct node *key, const struct node *value)
{
	const struct option_spec *row = one->value ? NULL : find_row(r, one->section, "net_bind_service");
	size_t before = r->f->findings.len;

	one->check(r, one, value);
	if (row && r->f->findings.len == before)
		add_setting(r, row, key, value, value->len > 0);
}

/* ---- keys */

static void unknown_key(struct reader *r, const struct node *key)
{
	const char *names[NAMES_MAX], *near;
	const struct option_spec *elsewhere = find_row(r, NULL, key->text);
	const char *where = *r->section ? r->section : "sandbox";
	size_t n = 0;

	for (const struct option_spec *const *t = r->known; *t; t++)
		for (const struct option_spec *row = *t; row->name && n < NAMES_MAX / 2; row++)
			if (row->section && !strcmp(row->section, r->section))
				names[n++] = row->key ? row->key : row->name;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (!strcmp(fixed[i].section, r->section))
			names[n++] = fixed[i].key;
	for (size_t i = 0; !*r->section && i < ARRAY_SIZE(sections); i++)
		names[n++] = sections[i];
	near = nearest(key->text, names, n);
	for (size_t i = 0; !near && i < ARRAY_SIZE(sections); i++)
		if (find_fixed(sections[i], key->text)) {
			complain(r, key, "config/unknown-key", "'%s' does not stand in '%s'; it belongs into '%s'", key->text, where, sections[i]);
			return;
		}
	if (elsewhere)
		complain(r, key, "config/unknown-key", "'%s' does not stand in '%s'; it belongs %s '%s'", key->text, where,
			 *elsewhere->section ? "into" : "directly below", *elsewhere->section ? elsewhere->section : "sandbox");
	else if (near)
		complain(r, key, "config/unknown-key", "unknown key '%s' in '%s'; did you mean '%s'?", key->text, where, near);
	else
		complain(r, key, "config/unknown-key", "unknown key '%s' in '%s'", key->text, where);
}

static void read_section(struct reader *r, const struct node *map);

static void read_pair(struct reader *r, const struct node_pair *pair)
{
	const struct option_spec *row;
	const struct fixed *one;

	if (pair->key->kind != NODE_SCALAR) {
		complain(r, pair->key, "config/unknown-key", "a key is a text");
		return;
	}
	for (size_t i = 0; !*r->section && i < ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i], pair->key->text)) {
			struct reader inner = *r;

			inner.section = sections[i];
			read_section(&inner, pair->value);
			return;
		}
	row = find_row(r, r->section, pair->key->text);
	one = row ? NULL : find_fixed(r->section, pair->key->text);
	if (!row && !one)
		unknown_key(r, pair->key);
	else if (node_is_null(pair->value))
		return;		/* not set */
	else if (row)
		set_row(r, row, pair->key, pair->value);
	else
		set_fixed(r, one, pair->key, pair->value);
}

static void read_section(struct reader *r, const struct node *map)
{
	if (node_is_null(map))
		return;
	if (map->kind != NODE_MAPPING) {
		complain(r, map, "config/value", "'%s' is a mapping of names to values, not a %s", *r->section ? r->section : "sandbox",
			 node_type_name(map));
		return;
	}
	for (size_t i = 0; i < map->len; i++)
		read_pair(r, &map->pairs[i]);
}

static void read_root(struct reader *r, const struct node *root)
{
	if (!root || node_is_null(root))
		return;
	if (root->kind != NODE_MAPPING) {
		complain(r, root, "config/value", "a configuration file is a mapping with the key 'sandbox'");
		return;
	}
	for (size_t i = 0; i < root->len; i++) {
		const struct node *key = root->pairs[i].key;

		if (key->kind == NODE_SCALAR && !strcmp(key->text, "sandbox"))
			read_section(r, root->pairs[i].value);
		else if (key->kind == NODE_SCALAR && (find_row(r, NULL, key->text) || find_fixed("security", key->text)))
			complain(r, key, "config/unknown-key", "'%s' stands below 'sandbox:'", key->text);
		else
			complain(r, key, "config/unknown-key", "unknown key%s%s%s; the only one at the top is 'sandbox'",
				 key->kind == NODE_SCALAR ? " '" : "", key->kind == NODE_SCALAR ? key->text : "",
				 key->kind == NODE_SCALAR ? "'" : "");
	}
}

void config_parse(struct config_file *f, const char *bytes, size_t len, const struct option_spec *const *known)
{
	struct reader r = { .f = f, .known = known, .section = "" };
	struct error err;

	finding_list_init(&f->findings, f->path);
	if (document_parse(bytes, len, f->path, &yaml_default_limits, &f->doc, &err) < 0) {
		finding_add(&f->findings, FINDING_ERROR, "config/unreadable", (struct position){ 0 }, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < f->doc->problems_len; i++)
		finding_add(&f->findings, FINDING_ERROR, "yaml/syntax", f->doc->problems[i].position, "%s", f->doc->problems[i].message);
	if (!f->doc->problems_len)
		read_root(&r, f->doc->root);
	finding_sort(&f->findings);
}

void config_read(struct config_file *f, const struct option_spec *const *known)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(yaml_default_limits.max_bytes);
	struct error err;

	if (file_read(f->path, &bytes, &err) == 0) {
		config_parse(f, bytes.buf, bytes.len, known);
		return;
	}
	finding_list_init(&f->findings, f->path);
	finding_add(&f->findings, FINDING_ERROR, "config/unreadable", (struct position){ 0 }, "%s", err.text);
}
