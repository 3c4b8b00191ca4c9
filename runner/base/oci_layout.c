/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/oci_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/base/archive.h"
#include "runner/base/digest.h"
#include "runner/base/file.h"
#include "runner/base/json.h"
#include "runner/base/mem.h"

enum { DOCUMENT_MAX = 4 << 20, LAYERS_MAX = 128, INDEX_DEPTH = 3 };

struct layout {
	const char *dir;
	char digest[OCI_DIGEST_SIZE];	/* of the manifest */
};

bool oci_layout_is(const char *dir)
{
	autofree char *mark = xasprintf("%s/oci-layout", dir), *index = xasprintf("%s/index.json", dir);

	return access(mark, R_OK) == 0 && access(index, R_OK) == 0;
}

/* ---- blobs */

struct descriptor {
	const char *type, *digest;
	uint64_t size;
};

static int read_descriptor(const json_t *object, struct descriptor *ret, struct error *err)
{
	const char *type = json_string_value(json_object_get(object, "mediaType"));
	const json_t *size = json_object_get(object, "size");

	ret->digest = json_string_value(json_object_get(object, "digest"));
	ret->type = type ? type : "";
	if (!ret->digest || !json_is_integer(size) || json_integer_value(size) < 0)
		return error_set(err, ERR_INVALID_INPUT, "a descriptor has no digest or no size");
	ret->size = (uint64_t)json_integer_value(size);
	if (strncmp(ret->digest, "sha256:", 7) != 0 || strlen(ret->digest) != OCI_DIGEST_SIZE - 1 ||
	    strspn(ret->digest + 7, "0123456789abcdef") != 64)
		return error_set(err, ERR_INVALID_INPUT, "'%.80s' is no SHA-256 digest", ret->digest);
	return 0;
}

/* Open a blob whose length and digest are what they should be. */
static int open_blob(const struct layout *l, const struct descriptor *d, int *ret, struct error *err)
{
	autofree char *path = xasprintf("%s/blobs/sha256/%s", l->dir, d->digest + 7), *chunk = xmalloc(64 << 10);
	autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	unsigned char digest[DIGEST_SIZE];
	char hex[DIGEST_HEX_SIZE];
	struct sha256 sum;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot open blob '%s'", d->digest);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != d->size)
		return error_set(err, ERR_INVALID_INPUT, "blob '%s' is not as long as its descriptor says", d->digest);
	sha256_begin(&sum);
	while ((n = read(fd, chunk, 64 << 10)) > 0)
		sha256_add(&sum, chunk, (size_t)n);
	if (n < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot read blob '%s'", d->digest);
	sha256_end(&sum, digest);
	digest_to_hex(digest, hex);
	if (strcmp(hex, d->digest + 7) != 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, ERR_INVALID_INPUT, "blob '%s' has another digest: it is damaged, or somebody else's", d->digest);
	*ret = steal_fd(&fd);
	return 0;
}

static int read_document(const struct layout *l, const struct descriptor *d, json_t **ret, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(DOCUMENT_MAX);
	autoclose int fd = -1;

	if (d->size > DOCUMENT_MAX)
		return error_set(err, ERR_INVALID_INPUT, "'%s' is larger than a manifest can be", d->digest);
	if (open_blob(l, d, &fd, err) < 0 || file_read_fd(fd, d->digest, &text, err) < 0)
		return -1;
	return json_parse(text.buf, text.len, d->digest, ret, err);
}

/* ---- which image */

static const char *architecture(void)
{
	static const struct { const char *machine, *name; } names[] = {
		{ "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" }, { "i686", "386" }, { "ppc64le", "ppc64le" },
		{ "riscv64", "riscv64" }, { "s390x", "s390x" },
	};
	struct utsname u;

	if (uname(&u) == 0)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (!strcmp(names[i].machine, u.machine))
				return names[i].name;
	return "unknown";
}

static bool is_ours(const json_t *object)
{
	const json_t *platform = json_object_get(object, "platform");
	const char *os = json_string_value(json_object_get(platform, "os"));
	const char *arch = json_string_value(json_object_get(platform, "architecture"));

	return os && arch && !strcmp(os, "linux") && !strcmp(arch, architecture());
}

static bool is_index(const char *type)
{
	return !strcmp(type, "application/vnd.oci.image.index.v1+json") ||
	       !strcmp(type, "application/vnd.docker.distribution.manifest.list.v2+json");
}

/* The manifest that an index leads to, through further indexes. */
static int find_manifest(struct layout *l, const json_t *index, unsigned int depth, json_t **ret, struct error *err)
{
	const json_t *list = json_object_get(index, "manifests"), *chosen = NULL;
	size_t n = json_array_size(list);
	struct descriptor d;
	json_auto_t *document = NULL;

	for (size_t i = 0; i < n && !chosen; i++)
		if (is_ours(json_array_get(list, i)))
			chosen = json_array_get(list, i);
	if (!chosen && n == 1)
		chosen = json_array_get(list, 0);
	if (!chosen)
		return error_set(err, ERR_INVALID_INPUT, n ? "none of its %zu images is for linux on '%s'" : "it lists %zu images", n,
				 architecture());
	if (read_descriptor(chosen, &d, err) < 0 || read_document(l, &d, &document, err) < 0)
		return -1;
	if (!is_index(d.type) && !json_is_array(json_object_get(document, "manifests"))) {
		snprintf(l->digest, sizeof(l->digest), "%s", d.digest);
		*ret = steal_ptr(&document);
		return 0;
	}
	if (depth == 0)
		return error_set(err, ERR_INVALID_INPUT, "its indexes lead to indexes without end");
	return find_manifest(l, document, depth - 1, ret, err);
}

/* ---- layers */

static int unpack_layer(const struct layout *l, const json_t *object, int dirfd, struct error *err)
{
	struct descriptor d;
	autoclose int fd = -1;
	char path[64];

	if (read_descriptor(object, &d, err) < 0)
		return -1;
	if (!strstr(d.type, ".tar"))	/* all that are layers say so, compressed or not */
		return error_set(err, ERR_INVALID_INPUT, "layer '%s' is of type '%.100s', which is no tar", d.digest, d.type);
	if (open_blob(l, &d, &fd, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return archive_extract(path, dirfd, &archive_layer_limits, err) < 0 ? error_prefix(err, "layer '%s'", d.digest) : 0;
}

int oci_layout_unpack(const char *dir, int dirfd, char ret_digest[OCI_DIGEST_SIZE], struct error *err)
{
	autofree char *path = xasprintf("%s/index.json", dir);
	autostrbuf struct strbuf text = STRBUF_INIT(DOCUMENT_MAX);
	json_auto_t *index = NULL, *manifest = NULL;
	struct layout l = { .dir = dir };
	const json_t *layers;

	if (file_read(path, &text, err) < 0 || json_parse(text.buf, text.len, "index.json", &index, err) < 0 ||
	    find_manifest(&l, index, INDEX_DEPTH, &manifest, err) < 0)
		return error_prefix(err, "image '%s'", dir);
	layers = json_object_get(manifest, "layers");
	if (json_array_size(layers) == 0 || json_array_size(layers) > LAYERS_MAX)
		return error_set(err, ERR_INVALID_INPUT, "image '%s' has %zu layers: 1 to %d are possible", dir, json_array_size(layers),
				 LAYERS_MAX);
	for (size_t i = 0; i < json_array_size(layers); i++)
		if (unpack_layer(&l, json_array_get(layers, i), dirfd, err) < 0)
			return error_prefix(err, "image '%s'", dir);
	if (ret_digest)
		snprintf(ret_digest, OCI_DIGEST_SIZE, "%s", l.digest);
	return 0;
}
