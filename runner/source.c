/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/archive.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/http.h"
#include "runner/base/json.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "runner/base/utf8.h"

#define PACKAGE_MAX_BYTES ((size_t)1 << 20)
#define DOWNLOAD_MAX_BYTES ((size_t)64 << 20)
#define DOWNLOAD_NS (60 * NS_PER_SEC)
#define REGISTRY_PREFIX "registry+"
#define REGISTRY_MAX_BYTES (6 * PACKAGE_MAX_BYTES + ((size_t)1 << 20))	/* a byte may be written as \u0000 */
#define LISTED_NAMES 10

void source_release(struct source *s)
{
	free(s->name);
	free(s->dir);
	free(s->package_file);
	strbuf_release(&s->bytes);
	*s = (struct source){ .bytes = STRBUF_INIT(PACKAGE_MAX_BYTES) };
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), el = strlen(end);

	return len > el && !strcmp(s + len - el, end);
}

static bool is_package_name(const char *name)
{
	return ends_with(name, ".wpk.yaml") || ends_with(name, ".wpk.yml");
}

static bool is_yaml_name(const char *name)
{
	return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(const char *path, struct strvec *names, struct error *err)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return error_sys(err, ERR_INVALID_INPUT, "cannot read folder '%s'", path);
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			strvec_push(names, e->d_name);
	closedir(dir);
	if (names->len)
		qsort(names->items, names->len, sizeof(*names->items), compare_names);
	return 0;
}

/* "'a', 'b' and 3 more" of those names that `want` (NULL: all). */
static void add_names(struct strbuf *out, const struct strvec *names, bool (*want)(const char *))
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < names->len; i++) {
		char quoted[UTF8_QUOTE_SIZE];

		if (want && !want(names->items[i]))
			continue;
		if (shown == LISTED_NAMES) {
			more++;
			continue;
		}
		strbuf_addf(out, "%s%s", shown++ ? ", " : "", utf8_quote(quoted, names->items[i], strlen(names->items[i])));
	}
	if (more)
		strbuf_addf(out, " and %zu more", more);
}

/* The one name that is wanted: its index, or -1 when there is none or several (*count tells). */
static ssize_t only_one(const struct strvec *names, bool (*want)(const char *), size_t *count)
{
	ssize_t found = -1;

	*count = 0;
	for (size_t i = 0; i < names->len; i++)
		if (want(names->items[i]) && ++*count)
			found = (ssize_t)i;
	return *count == 1 ? found : -1;
}

/* Find the package at the top of `dir`; `shown` is how the user knows the folder. */
static int open_folder(const char *dir, const char *shown, bool is_bundle, struct source *ret, struct error *err)
{
	autostrbuf struct strbuf list = STRBUF_INIT(700);
	autostrvec struct strvec names = STRVEC_INIT;
	autofree char *path = NULL;
	size_t count;
	ssize_t found;

	if (list_folder(dir, &names, err) < 0)
		return -1;
	found = only_one(&names, is_package_name, &count);
	if (count > 1) {
		add_names(&list, &names, is_package_name);
		return error_set(err, ERR_INVALID_INPUT, "'%s' holds %zu packages, one is wanted: %s", shown, count, list.buf);
	}
	if (found < 0 && is_bundle)
		found = only_one(&names, is_yaml_name, &count);
	if (found < 0) {
		add_names(&list, &names, NULL);
		return error_set(err, ERR_INVALID_INPUT, "'%s' holds no package (*.wpk.yaml or *.wpk.yml): %s%s", shown,
				 names.len ? "there is " : "it is empty", list.buf);
	}
	path = xasprintf("%s/%s", dir, names.items[found]);
	ret->name = xasprintf("%s%s%s", shown, ends_with(shown, "/") ? "" : "/", names.items[found]);
	ret->dir = xstrdup(dir);
	ret->package_file = xstrdup(names.items[found]);
	return file_read(path, &ret->bytes, err);
}

/* Many bundles wrap everything in one folder: its path (owned), or NULL. */
static char *wrapping_folder(const char *dir)
{
	autostrvec struct strvec names = STRVEC_INIT;
	autofree char *path = NULL;
	struct stat st;

	if (list_folder(dir, &names, NULL) < 0 || names.len != 1)
		return NULL;
	path = xasprintf("%s/%s", dir, names.items[0]);
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? steal_ptr(&path) : NULL;
}

static int open_bundle(const char *path, const char *shown, const char *scratch, struct source *ret, struct error *err)
{
	autofree char *dir = scratch ? xasprintf("%s/source.XXXXXX", scratch) : NULL;
	autofree char *inner = NULL;
	autoclose int fd = -1;

	ret->is_bundle = true;
	if (!dir)
		return error_set(err, ERR_INVALID_INPUT, "'%s' is a bundle, and there is no place to unpack it: give the package file in it", shown);
	if (!mkdtemp(dir) || (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot create a folder to unpack '%s'", shown);
	if (archive_extract(path, fd, &archive_bundle_limits, err) < 0)
		return -1;
	inner = wrapping_folder(dir);
	return open_folder(inner ? inner : dir, shown, true, ret, err);
}

static int open_url(const char *url, const char *scratch, struct source *ret, struct error *err)
{
	autostrbuf struct strbuf body = STRBUF_INIT(DOWNLOAD_MAX_BYTES), shown = STRBUF_INIT(200);
	autoclose int fd = -1;
	char path[64];

	http_url_display(&shown, url);
	if (http_get(url, DOWNLOAD_NS, &body, err) < 0)
		return -1;
	/* in memory: only what turns out to be a bundle needs the scratch folder */
	fd = memfd_create("download", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, body.buf, body.len) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot keep '%s' in memory", shown.buf);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (archive_is_archive(path)) {
		strbuf_release(&body);
		return open_bundle(path, shown.buf, scratch, ret, err) < 0 ? error_prefix(err, "'%s'", shown.buf) : 0;
	}
	strbuf_add(&ret->bytes, body.buf, body.len);
	if (ret->bytes.overflow)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has %zu bytes, more than the limit of %zu", shown.buf, body.len, ret->bytes.max);
	ret->name = xstrdup(shown.buf);
	return 0;
}

/* An entry of a registry: JSON with the package as text in it. */
static int open_registry(const char *url, struct source *ret, struct error *err)
{
	autostrbuf struct strbuf body = STRBUF_INIT(REGISTRY_MAX_BYTES), shown = STRBUF_INIT(200);
	json_auto_t *entry = NULL;
	const json_t *content;

	http_url_display(&shown, url);
	if (http_get(url, DOWNLOAD_NS, &body, err) < 0)
		return -1;
	if (json_parse(body.buf, body.len, shown.buf, &entry, err) < 0) {
		if (err)
			err->code = ERR_REMOTE;
		return error_prefix(err, "what the registry answers is no JSON");
	}
	content = json_object_get(entry, "wpk_content");
	if (!json_is_string(content))
		return error_set(err, ERR_REMOTE, "'%s' answers without the package ('wpk_content'): is it https://HOST/workflows/ID of a registry?",
				 shown.buf);
	strbuf_add(&ret->bytes, json_string_value(content), json_string_length(content));
	if (ret->bytes.overflow)
		return error_set(err, ERR_INVALID_INPUT, "the package of '%s' has %zu bytes, more than the limit of %zu", shown.buf,
				 json_string_length(content), ret->bytes.max);
	ret->name = xasprintf(REGISTRY_PREFIX "%s", shown.buf);
	return 0;
}

static bool is_http(const char *url)
{
	return !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
}

static int open_path(const char *path, const char *scratch, struct source *ret, struct error *err)
{
	struct stat st;
	autoclose int fd = file_open(path, &st, err);

	if (fd < 0 ? stat(path, &st) == 0 && S_ISDIR(st.st_mode) : S_ISDIR(st.st_mode))
		return open_folder(path, path, false, ret, err);
	if (fd < 0)
		return -1;
	/* what can be a package is read at once, and looked at then */
	if (S_ISREG(st.st_mode) && (size_t)st.st_size > PACKAGE_MAX_BYTES && archive_is_archive(path))
		return open_bundle(path, path, scratch, ret, err);
	if (file_read_opened(fd, &st, path, &ret->bytes, err) < 0)
		return -1;
	if (archive_begins_so(ret->bytes.buf, ret->bytes.len)) {
		strbuf_clear(&ret->bytes);
		return open_bundle(path, path, scratch, ret, err);
	}
	ret->name = xstrdup(path);
	return 0;
}

static int open_any(const char *spec, const char *scratch, struct source *ret, struct error *err)
{
	if (!*spec)
		return error_set(err, ERR_USAGE, "the package has an empty name");
	if (!strcmp(spec, "-")) {
		ret->name = xstrdup("<stdin>");
		return file_read_fd(STDIN_FILENO, ret->name, &ret->bytes, err);
	}
	if (is_http(spec))
		return open_url(spec, scratch, ret, err);
	if (!strncmp(spec, REGISTRY_PREFIX, strlen(REGISTRY_PREFIX)) && is_http(spec + strlen(REGISTRY_PREFIX)))
		return open_registry(spec + strlen(REGISTRY_PREFIX), ret, err);
	if (!strncmp(spec, "git+", 4))
		return error_set(err, ERR_UNAVAILABLE, "packages from git ('git+…') are not built yet: clone the repository and give its folder");
	if (strstr(spec, "://") && access(spec, F_OK) < 0)
		return error_set(err, ERR_USAGE, "'%.*s' is no known kind of source: a file, a folder, a bundle, '-', http(s):// or registry+http(s)://",
				 (int)strcspn(spec, ":") + 3, spec);
	return open_path(spec, scratch, ret, err);
}

int source_open(const char *spec, const char *scratch, struct source *ret, struct error *err)
{
	struct source s = { .bytes = STRBUF_INIT(PACKAGE_MAX_BYTES) };

	if (open_any(spec, scratch, &s, err) < 0) {
		bool is_bundle = s.is_bundle;

		source_release(&s);
		*ret = s;
		ret->is_bundle = is_bundle;
		return -1;
	}
	*ret = s;
	return 0;
}
