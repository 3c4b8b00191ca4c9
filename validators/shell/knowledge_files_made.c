/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"

/* What a program fills the files with that it writes. */
enum filling {
	FILL_NETWORK,		/* what a host sent */
	FILL_INPUT,		/* its standard input */
	FILL_SOURCE,		/* what it read before; standard input when it read nothing; the network when that was elsewhere */
	FILL_DECODED,		/* the same, decoded, when an option says so */
	FILL_UNPACKED,		/* of each file another one without its ending */
};

struct maker {
	const char *program;	/* name of its row, or the first word of it */
	enum filling filling;
	const char *decodes;	/* words that say so, with blanks between; "": always */
};

static const struct maker makers[] = {
	{ "7z", FILL_DECODED, "x e" }, { "age", FILL_DECODED, "-d --decrypt" }, { "aria2c", FILL_NETWORK, NULL }, { "aws", FILL_SOURCE, NULL },
	{ "axel", FILL_NETWORK, NULL }, { "ccrypt", FILL_DECODED, "-d" }, { "cp", FILL_SOURCE, NULL }, { "cpio", FILL_DECODED, "" },
	{ "curl", FILL_NETWORK, NULL }, { "dd", FILL_SOURCE, NULL }, { "ddrescue", FILL_SOURCE, NULL }, { "ditto", FILL_SOURCE, NULL },
	{ "docker", FILL_SOURCE, NULL }, { "fetch", FILL_NETWORK, NULL },
	{ "ftpget", FILL_NETWORK, NULL }, { "git", FILL_NETWORK, NULL }, { "gpg", FILL_DECODED, "" },
	{ "gsutil", FILL_SOURCE, NULL }, { "gzip", FILL_UNPACKED, "-d --decompress --uncompress" }, { "http", FILL_NETWORK, NULL },
	{ "iconv", FILL_SOURCE, NULL }, { "install", FILL_SOURCE, NULL }, { "kubectl", FILL_SOURCE, NULL }, { "link", FILL_SOURCE, NULL },
	{ "ln", FILL_SOURCE, NULL }, { "mc", FILL_SOURCE, NULL }, { "mv", FILL_SOURCE, NULL }, { "openssl", FILL_DECODED, "-d -decrypt" },
	{ "patch", FILL_SOURCE, NULL }, { "pv", FILL_SOURCE, NULL }, { "rclone", FILL_SOURCE, NULL }, { "rsync", FILL_SOURCE, NULL },
	{ "s3cmd", FILL_SOURCE, NULL }, { "scp", FILL_SOURCE, NULL }, { "sops", FILL_DECODED, "-d --decrypt" }, { "sort", FILL_SOURCE, NULL },
	{ "sponge", FILL_INPUT, NULL }, { "tar", FILL_DECODED, "" }, { "tee", FILL_INPUT, NULL },
	{ "tftp", FILL_NETWORK, NULL }, { "uniq", FILL_SOURCE, NULL },
	{ "unsquashfs", FILL_DECODED, "" }, { "unzip", FILL_DECODED, "" }, { "wget", FILL_NETWORK, NULL }, { "xxd", FILL_DECODED, "-r" },
	{ "zstd", FILL_DECODED, "-d --decompress" },
};

const struct maker *maker_at(size_t i, const char **name)
{
	if (i >= ARRAY_SIZE(makers))
		return NULL;
	*name = makers[i].program;
	return &makers[i];
}

const struct maker *maker_of(const struct program *program)
{
	for (size_t i = 0; program && i < ARRAY_SIZE(makers); i++)
		if (makers[i].program[0] == program->name[0] && !strcmp(makers[i].program, program->name))
			return &makers[i];
	return NULL;
}

/* Where what comes from the hosts in the arguments comes from: one outside outweighs all. */
static unsigned int network_origin(const struct shell_value *argv, size_t argc)
{
	unsigned int origin = 0;

	for (size_t i = 1; i < argc; i++) {
		struct host_ref ref;

		if (argv[i].len && argv[i].text[0] == '-' && !memmem(argv[i].text, argv[i].len, "://", 3))
			continue;
		if (!host_find_url(argv[i].text, argv[i].len, 0, &ref) && !host_of_argument(argv[i].text, argv[i].len, &ref))
			continue;
		if (ref.class == HOST_EXTERNAL)
			return ORIGIN_NETWORK_EXTERNAL;
		origin |= ORIGIN_NETWORK_OWN | (ref.class == HOST_METADATA ? ORIGIN_SECRET : 0);
	}
	return origin ? origin : ORIGIN_NETWORK_OWN;
}

static bool decodes(const struct maker *maker, const struct shell_value *argv, size_t argc)
{
	if (!maker->decodes || !*maker->decodes)
		return maker->decodes != NULL;
	for (size_t i = 1; i < argc; i++) {
		for (const char *w = maker->decodes; *w; ) {
			size_t n = strcspn(w, " ");

			if (argv[i].len == n && !memcmp(argv[i].text, w, n))
				return true;
			/* -dc, -rp */
			if (n == 2 && argv[i].len > 2 && argv[i].len < 8 && argv[i].text[0] == '-' && argv[i].text[1] != '-' && strchr(argv[i].text, w[1]))
				return true;
			w += n + (w[n] == ' ');
		}
	}
	return false;
}

/* Does a word name another machine? */
static bool has_remote(const struct shell_value *argv, size_t argc)
{
	for (size_t i = 1; i < argc; i++)
		if (argv[i].len && argv[i].text[0] != '-' && memchr(argv[i].text, ':', argv[i].len) &&
		    (effects_is_remote(&argv[i]) || memmem(argv[i].text, argv[i].len, "://", 3)))
			return true;
	return false;
}

/* "x.gz" becomes "x". */
static struct shell_value without_ending(struct arena *arena, const struct shell_value *path)
{
	const char *slash = memrchr(path->text, '/', path->len), *dot = memrchr(path->text, '.', path->len);
	struct shell_value v = *path;

	if (dot && (!slash || dot > slash + 1)) {
		v.len = (size_t)(dot - path->text);
		v.text = arena_strndup(arena, path->text, v.len);
	}
	return v;
}

struct making {
	struct arena *arena;
	const struct maker *maker;
	const struct shell_value *argv;
	size_t argc;
	bool decoded;
	unsigned int remote;	/* origin of what was not read here */
};

static void fill(const struct making *m, const struct shell_effect *effect, const struct shell_value *source, struct made_file *ret)
{
	*ret = (struct made_file){ .path = effect->path, .tree = effect->recursive };
	if (m->maker->filling == FILL_NETWORK) {
		ret->origin = m->remote;
		return;
	}
	ret->origin = m->decoded ? ORIGIN_DECODED : 0;
	if (m->maker->filling != FILL_INPUT && source)
		ret->source = source;
	else if (m->maker->filling == FILL_SOURCE && m->remote)
		ret->origin |= m->remote;
	else
		ret->from_input = true;
}

static bool is_source(const struct shell_effect *e)
{
	return e->access == ACCESS_READ || e->access == ACCESS_MOVE || e->access == ACCESS_LINK;
}

static size_t unpack(const struct making *m, const struct shell_effect *effects, size_t len, struct made_file *ret, size_t max)
{
	const char *slash = memrchr(m->argv[0].text, '/', m->argv[0].len);
	bool unpacks = m->decoded || strstr(slash ? slash : m->argv[0].text, "un");	/* gunzip, unxz, bunzip2 */
	size_t n = 0;

	for (size_t i = 0; unpacks && i < len && n < max; i++)
		if (effects[i].access == ACCESS_READ)
			ret[n++] = (struct made_file){
				.path = without_ending(m->arena, &effects[i].path), .tree = effects[i].recursive,
				.origin = ORIGIN_DECODED, .source = &effects[i].path,
			};
	return n;
}

size_t knowledge_made_files_by(struct arena *arena, const struct maker *maker, const struct shell_value *argv, size_t argc,
			       const struct shell_effect *effects, size_t len, struct made_file *ret, size_t max)
{
	struct making m = { .arena = arena, .maker = maker, .argv = argv, .argc = argc };
	size_t n = 0;

	m.decoded = decodes(m.maker, argv, argc);
	if (m.maker->filling == FILL_UNPACKED)
		return unpack(&m, effects, len, ret, max);
	if (m.maker->filling == FILL_NETWORK || has_remote(argv, argc))
		m.remote = network_origin(argv, argc);
	/* what is read stands before what is written, but for "-o out in": then the first one counts */
	const struct shell_value *source = NULL;

	for (size_t i = 0; i < len && !source; i++)
		if (is_source(&effects[i]))
			source = &effects[i].path;
	for (size_t i = 0; i < len && n < max; i++) {
		if (is_source(&effects[i]))
			source = &effects[i].path;
		else if (effects[i].access == ACCESS_WRITE || effects[i].access == ACCESS_APPEND)
			fill(&m, &effects[i], source, &ret[n++]);
	}
	return n;
}

size_t knowledge_made_files(struct arena *arena, const struct shell_value *argv, size_t argc, const char *cwd,
			    struct made_file *ret, size_t max)
{
	const struct program *program = argc && argv[0].len ? effects_program_of(arena, &argv[0]) : NULL;
	const struct maker *maker = maker_of(program);
	struct shell_effect *effects = NULL;
	size_t len = 0;

	if (!maker)
		return 0;
	knowledge_effects_by(arena, program, argv, argc, cwd, &effects, &len);
	return len ? knowledge_made_files_by(arena, maker, argv, argc, effects, len, ret, max) : 0;
}
