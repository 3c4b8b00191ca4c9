/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading fixtures: files and folders become a list of manifests in the order in which they are applied. */
#include "runner/k8s_fixtures.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/k8s_kind.h"
#include "runner/k8s_manifest.h"

enum { FILES_MAX = 1000, MANIFESTS_MAX = 2000, FILE_BYTES_MAX = 4 << 20 };

static const char *const event_names[] = { "event.yaml", "event.yml", "event.json" };

/* ---- one file: several documents */

struct loader {
	const char *path;
	json_t *manifests;
	struct error *err;
};

/* A line of three dashes on its own, or with something after a blank, begins a document; nothing of a text can look like it. */
static bool is_marker(const char *line, size_t len, const char *mark)
{
	return len >= 3 && !memcmp(line, mark, 3) && (len == 3 || strchr(" \t\r", line[3]));
}

static bool is_nothing(const char *text, size_t len)
{
	for (const char *p = text, *end = text + len; p < end;) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((line_end ? line_end : end) - p);
		size_t blank = 0;

		while (blank < n && strchr(" \t\r", p[blank]))
			blank++;
		if (blank < n && p[blank] != '#' && !is_marker(p, n, "---") && !is_marker(p, n, "...") && p[0] != '%')
			return false;
		if (is_marker(p, n, "---") && n > 3 && strspn(p + 3, " \t\r") < n - 3 && p[3 + strspn(p + 3, " \t\r")] != '#')
			return false;
		p += n + (line_end != NULL);
	}
	return true;
}

static int add_manifest(const struct loader *l, json_t *manifest, unsigned int line)
{
	autofree char *where = xasprintf("%s:%u", l->path, line);
	json_auto_t *objects = NULL;

	if (json_is_null(manifest))
		return 0;
	objects = k8s_manifest_check(manifest, where, l->err);
	if (!objects)
		return -1;
	if (json_array_size(l->manifests) + json_array_size(objects) > MANIFESTS_MAX)
		return error_set(l->err, ERR_INVALID_INPUT, "%s: more than %d manifests", where, MANIFESTS_MAX);
	json_array_extend(l->manifests, objects);
	return 0;
}

/* `first_line` of the file is that of the text. */
static int load_text(const char *path, const char *text, size_t len, unsigned int first_line, json_t **ret, unsigned int *line,
		     struct error *err)
{
	struct document *doc = NULL;
	struct error inner = { 0 };
	json_t *value = NULL;

	if (document_parse(text, len, path, &yaml_default_limits, &doc, err) < 0)
		return -1;
	if (doc->problems_len)
		error_set(err, ERR_INVALID_INPUT, "%s:%u:%u: %s", path, doc->problems[0].position.line + first_line - 1,
			  doc->problems[0].position.column, doc->problems[0].message);
	else if (!(value = k8s_json_of_node(doc->root, NULL, &inner)))
		error_set(err, ERR_INVALID_INPUT, "%s (document from line %u on): %s", path, first_line, inner.text);
	*line = first_line - 1 + (doc->root ? doc->root->start.line : 1);
	document_free(doc);
	*ret = value;
	return value ? 0 : -1;
}

static int load_document(const struct loader *l, const char *text, size_t len, unsigned int first_line)
{
	json_auto_t *value = NULL;
	unsigned int line;

	if (is_nothing(text, len))
		return 0;
	if (load_text(l->path, text, len, first_line, &value, &line, l->err) < 0)
		return -1;
	return add_manifest(l, value, line);
}

int k8s_manifests_parse(const char *text, size_t len, const char *name, json_t *ret, struct error *err)
{
	const struct loader loader = { .path = name, .manifests = ret, .err = err };
	const struct loader *l = &loader;
	const char *from = text, *end = text + len;
	unsigned int line = 1, from_line = 1;

	for (const char *p = text; p < end; line++) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((line_end ? line_end : end) - p);

		if (p > from && is_marker(p, n, "---")) {
			if (load_document(l, from, (size_t)(p - from), from_line) < 0)
				return -1;
			from = p;
			from_line = line;
		}
		p += n + (line_end != NULL);
	}
	return load_document(l, from, (size_t)(end - from), from_line);
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && !strcasecmp(name + len - n, suffix);
}

/* One value of a file: an event. */
static int load_value(const char *path, json_t **ret, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(FILE_BYTES_MAX);
	json_t *value = NULL;
	unsigned int line;

	if (file_read(path, &text, err) < 0)
		return -1;
	if ((ends_in(path, ".json") ? json_parse(text.buf, text.len, path, &value, err) : load_text(path, text.buf, text.len, 1, &value, &line, err)) < 0)
		return -1;
	if (!json_is_object(value)) {
		json_decref(value);
		return error_set(err, ERR_INVALID_INPUT, "%s: an event is a mapping, such as 'object: {kind: Deployment, name: web}'", path);
	}
	*ret = value;
	return 0;
}

static int load_file(const char *path, json_t *manifests, struct error *err)
{
	const struct loader l = { .path = path, .manifests = manifests, .err = err };
	autostrbuf struct strbuf text = STRBUF_INIT(FILE_BYTES_MAX);
	json_auto_t *value = NULL;

	if (file_read(path, &text, err) < 0)
		return -1;
	if (!ends_in(path, ".json"))
		return k8s_manifests_parse(text.buf, text.len, path, manifests, err);
	if (json_parse(text.buf, text.len, path, &value, err) < 0)
		return -1;
	return add_manifest(&l, value, 1);
}

/* ---- a folder */

static bool is_event(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++)
		if (!strcmp(event_names[i], name))
			return true;
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_folder(const char *path, struct strvec *names, struct error *err)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return error_sys(err, ERR_INVALID_INPUT, "reading fixtures '%s'", path);
	while ((entry = readdir(dir)) && names->len <= FILES_MAX)
		if (entry->d_name[0] != '.' && (ends_in(entry->d_name, ".yaml") || ends_in(entry->d_name, ".yml") || ends_in(entry->d_name, ".json")))
			strvec_push(names, entry->d_name);
	closedir(dir);
	if (names->len > FILES_MAX)
		return error_set(err, ERR_INVALID_INPUT, "fixtures '%s': more than %d files", path, FILES_MAX);
	if (!names->len)
		return error_set(err, ERR_INVALID_INPUT, "fixtures '%s': there is no *.yaml, *.yml or *.json in it", path);
	qsort(names->items, names->len, sizeof(*names->items), compare_names);
	return 0;
}

static int load_folder(const char *path, bool want_event, struct k8s_fixtures *ret, struct error *err)
{
	autostrvec struct strvec names = STRVEC_INIT;

	if (list_folder(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		autofree char *file = xasprintf("%s/%s", path, names.items[i]);

		if (!is_event(names.items[i])) {
			if (load_file(file, ret->manifests, err) < 0)
				return -1;
		} else if (want_event && !ret->event && load_value(file, &ret->event, err) < 0) {
			return -1;
		}
	}
	return 0;
}

/* ---- order and doubles */

/* Stable: what others need comes first, otherwise as written. */
static void put_in_order(struct k8s_fixtures *f)
{
	json_t *ordered = json_array();

	for (int pass = 0; pass < 2; pass++) {
		json_t *object;
		size_t i;

		json_array_foreach(f->manifests, i, object)
			if (k8s_kind_has(k8s_text(object, "kind", ""), K8S_FIRST) == !pass)
				json_push(ordered, json_incref(object));
	}
	json_decref(f->manifests);
	f->manifests = ordered;
}

static int check_doubles(const json_t *manifests, struct error *err)
{
	json_auto_t *seen = json_object();
	const json_t *object;
	size_t i;

	json_array_foreach(manifests, i, object) {
		autofree char *key = xasprintf("%s/%s", k8s_text(object, "kind", ""), k8s_text(object, "metadata.name", ""));

		if (json_object_get(seen, key) && k8s_at(object, "metadata.name"))
			return error_set(err, ERR_INVALID_INPUT, "fixtures: '%s' is there twice", key);
		json_put(seen, key, json_true());
	}
	return 0;
}

int k8s_fixtures_load(const char *path, const char *event_path, struct k8s_fixtures *ret, struct error *err)
{
	struct k8s_fixtures f = K8S_FIXTURES_EMPTY;
	struct stat st;
	int r = 0;

	f.manifests = json_array();
	if (event_path)
		r = load_value(event_path, &f.event, err);
	if (r == 0 && path && stat(path, &st) < 0)
		r = error_sys(err, ERR_INVALID_INPUT, "reading fixtures '%s'", path);
	if (r == 0 && path)
		r = S_ISDIR(st.st_mode) ? load_folder(path, !event_path, &f, err) : load_file(path, f.manifests, err);
	if (r == 0)
		r = check_doubles(f.manifests, err);
	if (r < 0) {
		k8s_fixtures_release(&f);
		return -1;
	}
	put_in_order(&f);
	*ret = f;
	return 0;
}

void k8s_fixtures_release(struct k8s_fixtures *f)
{
	json_decref(f->manifests);
	json_decref(f->event);
	json_decref(f->originals);
	free(f->stand_ins);
	strvec_release(&f->notes);
	*f = (struct k8s_fixtures)K8S_FIXTURES_EMPTY;
}
