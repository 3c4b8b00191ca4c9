/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/base/archive.h"
#include "runner/base/digest.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/oci_layout.h"
#include "tests/unit/must.h"

struct place {
	char dir[64];
	int out;
};

static void write_file(const char *path, const char *text, size_t len)
{
	char folder[512];
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	must(make_dirs(folder, 0755, NULL) == 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd >= 0 && write_all(fd, text, len) == 0);
	close(fd);
}

/* Into the store; the descriptor as JSON is returned, to be freed. */
static char *add_blob(const struct place *p, const char *type, const char *data, size_t len)
{
	autofree char *path = NULL;
	char hex[DIGEST_HEX_SIZE];

	sha256_hex(data, len, hex);
	path = xasprintf("%s/image/blobs/sha256/%s", p->dir, hex);
	write_file(path, data, len);
	return xasprintf("{\"mediaType\": \"%s\", \"digest\": \"sha256:%s\", \"size\": %zu", type, hex, len);
}

/* `files`: "path=content" each, a NULL at the end; all below t/. */
static char *add_layer(const struct place *p, const char *const *files)
{
	autofree char *tree = xasprintf("%s/tree", p->dir), *tar = xasprintf("%s/layer.tar.gz", p->dir);
	autostrbuf struct strbuf bytes = STRBUF_INIT(1 << 20);
	struct error err;

	must(mkdir(tree, 0755) == 0);
	for (; *files; files++) {
		const char *equals = strchr(*files, '=');
		autofree char *path = xasprintf("%s/%.*s", tree, (int)(equals - *files), *files);

		write_file(path, equals + 1, strlen(equals + 1));
	}
	must(archive_create(tar, tree, "t", &err) == 0 && file_read(tar, &bytes, &err) == 0);
	must(remove_tree_at(AT_FDCWD, tree, NULL) == 0);
	return add_blob(p, "application/vnd.oci.image.layer.v1.tar+gzip", bytes.buf, bytes.len);
}

static void write_index(const struct place *p, const char *manifest, const char *arch)
{
	autofree char *blob = NULL, *index = NULL, *path = xasprintf("%s/image/index.json", p->dir);
	autofree char *mark = xasprintf("%s/image/oci-layout", p->dir);

	blob = add_blob(p, "application/vnd.oci.image.manifest.v1+json", manifest, strlen(manifest));
	index = xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s, \"platform\": {\"os\": \"linux\", \"architecture\": \"%s\"}},"
			  "%s, \"platform\": {\"os\": \"plan9\", \"architecture\": \"mips\"}}]}", blob, arch, blob);
	write_file(path, index, strlen(index));
	write_file(mark, "{\"imageLayoutVersion\": \"1.0.0\"}", 32);
}

static const char *our_arch(void)
{
	static struct utsname u;

	must(uname(&u) == 0);
	return !strcmp(u.machine, "x86_64") ? "amd64" : !strcmp(u.machine, "aarch64") ? "arm64" : u.machine;
}

static void make_image(const struct place *p)
{
	static const char *const lower[] = {
		"keep=kept", "gone=x", "folder/a=x", "folder/b=x", "opaque/old=x", "opaque/deep/old=x", "file=x", "changed=before", NULL,
	};
	static const char *const upper[] = {
		".wh.gone=", "opaque/.wh..wh..opq=", "opaque/anew=new", "file/inner=inner", "folder=now a file", "changed=after",
		".wh..wh.plnk=", NULL,
	};
	autofree char *one = add_layer(p, lower), *two = add_layer(p, upper), *manifest = NULL;

	manifest = xasprintf("{\"schemaVersion\": 2, \"layers\": [%s}, %s}]}", one, two);
	write_index(p, manifest, our_arch());
}

static int set_up(void **state)
{
	struct place *p = malloc(sizeof(*p));

	strcpy(p->dir, "/tmp/oci_layout_test.XXXXXX");
	must(mkdtemp(p->dir) != NULL);
	{
		autofree char *out = xasprintf("%s/out", p->dir);

		must(mkdir(out, 0755) == 0);
		p->out = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	make_image(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	close(p->out);
	must(remove_tree_at(AT_FDCWD, p->dir, NULL) == 0);
	free(p);
	return 0;
}

static int unpack(const struct place *p, char digest[OCI_DIGEST_SIZE], struct error *err)
{
	autofree char *image = xasprintf("%s/image", p->dir);

	must(oci_layout_is(image));
	return oci_layout_unpack(image, p->out, digest, err);
}

static void layers(void **state)
{
	static const struct { const char *path, *content; } cases[] = {
		{ "keep", "kept" }, { "gone", NULL }, { "folder", "now a file" }, { "opaque/old", NULL }, { "opaque/deep", NULL },
		{ "opaque/anew", "new" }, { "file/inner", "inner" }, { "changed", "after" }, { ".wh.gone", NULL }, { "opaque/.wh..wh..opq", NULL },
		{ ".wh..wh.plnk", NULL },
	};
	struct place *p = *state;
	char digest[OCI_DIGEST_SIZE] = "";
	struct error err = { .text = "" };

	if (unpack(p, digest, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(strlen(digest), OCI_DIGEST_SIZE - 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *path = xasprintf("%s/out/t/%s", p->dir, cases[i].path);
		autostrbuf struct strbuf text = STRBUF_INIT(100);

		if (cases[i].content) {
			assert_int_equal(file_read(path, &text, &err), 0);
			assert_string_equal(text.buf, cases[i].content);
		} else if (access(path, F_OK) == 0) {
			fail_msg("'%s' is there", cases[i].path);
		}
	}
}

static void lies(void **state)
{
	static const char layer[] = "{\"mediaType\": \"application/vnd.oci.image.layer.v1.tar\", \"size\": 3, \"digest\": ";
	static const struct { const char *layers, *want; } cases[] = {
		{ "", "0 layers" },
		{ "%s\"sha256:../../../../../etc/passwd\"}", "no SHA-256 digest" },
		{ "%s\"md5:00\"}", "no SHA-256 digest" },
		{ "%s\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}", "cannot open blob" },
		{ "{\"size\": -1, \"digest\": \"x\"}", "no size" },
		{ "{\"mediaType\": \"text/html\", \"size\": 1, \"digest\": \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}", "no tar" },
		{ "7", "no digest" },
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *list = xasprintf(cases[i].layers, layer), *manifest = xasprintf("{\"layers\": [%s]}", list);
		struct error err = { .text = "" };

		write_index(p, manifest, our_arch());
		assert_int_equal(unpack(p, NULL, &err), -1);
		assert_int_equal(err.code, ERR_INVALID_INPUT);
		if (!strstr(err.text, cases[i].want))
			fail_msg("case %zu: '%s' has no '%s'", i, err.text, cases[i].want);
	}
}

static void damage(void **state)
{
	static const struct { long long at; const char *want; } cases[] = { { 5, "another digest" }, { 1 << 20, "not as long" } };
	struct place *p = *state;
	autofree char *blobs = xasprintf("%s/image/blobs/sha256", p->dir);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *one = add_layer(p, (const char *const[]){ "a=b", NULL }), *manifest = xasprintf("{\"layers\": [%s}]}", one);
		autofree char *path = xasprintf("%s/%.64s", blobs, strstr(one, "sha256:") + 7);
		struct error err = { .text = "" };
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		write_index(p, manifest, our_arch());
		must(fd >= 0 && pwrite(fd, "!", 1, cases[i].at) == 1);
		close(fd);
		assert_int_equal(unpack(p, NULL, &err), -1);
		if (!strstr(err.text, cases[i].want))
			fail_msg("'%s' has no '%s'", err.text, cases[i].want);
	}
	write_index(p, "{}", "pdp11");
	{
		struct error err = { .text = "" };

		assert_int_equal(unpack(p, NULL, &err), -1);
		assert_non_null(strstr(err.text, "none of its 2 images"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(layers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
