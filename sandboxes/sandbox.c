/* SPDX-License-Identifier: Apache-2.0
 * The wrappers: what is allowed when, and context for errors. Which backends there are stands in one array. */
#include "sandboxes/sandbox.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "sandboxes/backend.h"

static const struct sandbox_backend *const backends[] = {
	&sandbox_backend_native,
	&sandbox_backend_crun,
	&sandbox_backend_runc,
	&sandbox_backend_runsc,
	&sandbox_backend_docker,
	&sandbox_backend_podman,
	&sandbox_backend_kind,		/* these two only for who asks by type */
	&sandbox_backend_kubernetes,
};

static const struct sandbox_backend *backend_find(const struct sandbox_ref *ref, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, ref->backend))
			return backends[i];
	error_set(err, ERR_UNAVAILABLE, "there is no sandbox runtime '%.15s'", ref->backend);
	return NULL;
}

/* Ids become names of folders and cgroups: nothing that could be a path. */
static int check_ref(const struct sandbox_ref *ref, struct error *err)
{
	size_t len = strnlen(ref->id, sizeof(ref->id));

	if (len == 0 || len == sizeof(ref->id))
		return error_set(err, ERR_INTERNAL, "a sandbox id has 1 to %zu characters", sizeof(ref->id) - 1);
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)ref->id[i]) && !isdigit((unsigned char)ref->id[i]) && ref->id[i] != '-')
			return error_set(err, ERR_INTERNAL, "sandbox id '%s' has other characters than a-z, 0-9, '-'",
					 ref->id);
	return 0;
}

void cleanup_add(struct cleanup_list *list, const char *kind, const char *name, bool gone, const char *proof)
{
	struct cleanup_item *item;

	if (!list)
		return;
	ARRAY_GROW(list->items, list->len, list->alloc);
	item = &list->items[list->len++];
	memset(item, 0, sizeof(*item));
	snprintf(item->kind, sizeof(item->kind), "%s", kind);
	snprintf(item->name, sizeof(item->name), "%s", name);
	item->gone = gone;
	snprintf(item->proof, sizeof(item->proof), "%s", proof);
}

void cleanup_list_release(struct cleanup_list *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}

int sandbox_create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		   struct control_table *controls, struct error *err)
{
	const struct sandbox_backend *backend = backend_find(ref, err);
	struct control_table table = { 0 };
	struct sandbox *sb = NULL;

	if (!backend || check_ref(ref, err) < 0)
		return -1;
	if (spec->image && !backend->images)
		return error_set(err, ERR_UNAVAILABLE, "runtime '%s' has no images: take --runtime=docker or podman, or --rootfs with a "
				 "folder or archive", backend->name);
	if (spec->network.allow_len && !backend->carries_network)
		return error_set(err, ERR_UNAVAILABLE, "runtime '%s' cannot keep to a list of allowed hosts; use --runtime=native", backend->name);
	if (spec->writable_root && !backend->writable_root)
		return error_set(err, ERR_UNAVAILABLE, "'%s' cannot give a writable root; use --runtime=native", backend->name);
	if (backend->create(ref, spec, &sb, &table, err) < 0)
		return error_prefix(err, "creating sandbox '%s'", ref->id);
	if (controls)
		*controls = table;
	*ret = sb;
	return 0;
}

static int check_alive(const struct sandbox *sb, struct error *err)
{
	return sb->lost ? error_set(err, ERR_UNAVAILABLE, "sandbox '%s' has died", sb->ref.id) : 0;
}

/* Relative, not empty, and nothing that leads out. */
static int check_path(const char *path, struct error *err)
{
	size_t len = strlen(path);

	if (len == 0 || len >= 4096 || *path == '/')
		return error_set(err, ERR_INVALID_INPUT, "'%s' is no relative path of at most 4095 bytes", path);
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !strncmp(p, "..", 2))
			return error_set(err, ERR_INVALID_INPUT, "'%s' leads out of the work folder", path);
		p += n;
	}
	return 0;
}

int sandbox_put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	struct sandbox_file clean = *file;
	struct stat st;

	if (check_alive(sb, err) < 0 || check_path(file->path, err) < 0)
		return -1;
	if (file->kind == SANDBOX_SYMLINK && (!file->target || !*file->target || strlen(file->target) >= 4096))
		return error_set(err, ERR_INVALID_INPUT, "link '%s' has no usable target", file->path);
	/* anything that could block or never end would stop the sandbox's init */
	if (file->kind == SANDBOX_FILE && (fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode)))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is not copied from a regular file", file->path);
	clean.mode &= 0777;
	if (sb->backend->put(sb, &clean, err) < 0)
		return error_prefix(err, "putting '%s' into the sandbox", file->path);
	return 0;
}

/* Limits are counted outside, by whoever made the sandbox: what was reached is told when the command is over. */
static void tell_limits(const struct sandbox_command *cmd, const struct sandbox_exit *exit)
{
	const struct { bool reached; const char *name, *how; } limits[] = {
		{ exit->end == SANDBOX_OUT_OF_MEMORY, "memory", "out of memory" },
		{ exit->pids_limit_hit, "pids", "a fork was refused" },
		{ exit->storage_limit_hit, "storage", "a writable folder was full" },
		{ exit->output_truncated, "output", "more was written than is kept" },
	};

	for (size_t i = 0; cmd->observer && i < ARRAY_SIZE(limits); i++)
		if (limits[i].reached)
			cmd->observer(cmd->observer_arg, &(struct sandbox_event){
				.kind = SANDBOX_EVENT_LIMIT, .severity = SANDBOX_LOW, .time_ns = clock_realtime_ns(), .count = 1,
				.program = "", .subject = limits[i].name, .detail = limits[i].how,
			});
}

int sandbox_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	struct sandbox_exit out = { 0 };

	if (check_alive(sb, err) < 0)
		return -1;
	if ((!cmd->argv || !cmd->argv[0]) && !(sb->backend->cluster && cmd->image))	/* there: what the image runs by itself */
		return error_set(err, ERR_INTERNAL, "a command needs at least its name");
	if (sb->backend->exec(sb, cmd, &out, err) < 0)
		return error_prefix(err, "running '%s' in the sandbox", cmd->argv && cmd->argv[0] ? cmd->argv[0] : cmd->image);
	tell_limits(cmd, &out);
	*ret = out;
	return 0;
}

int sandbox_walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err)
{
	if (check_alive(sb, err) < 0)
		return -1;
	if (!sb->backend->walk)
		return error_set(err, ERR_UNAVAILABLE, "'%s' cannot tell which files there are", sb->backend->name);
	walk->left_out = 0;
	return sb->backend->walk(sb, walk, err) < 0 ? error_prefix(err, "looking at the files of the sandbox") : 0;
}

int sandbox_get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
		struct error *err)
{
	uint64_t bytes = 0;

	if (check_alive(sb, err) < 0 || check_path(path, err) < 0)
		return -1;
	if (!sb->backend->get)
		return error_set(err, ERR_UNAVAILABLE, "'%s' cannot give files back", sb->backend->name);
	if (sb->backend->get(sb, tree, path, max_bytes, fd, &bytes, err) < 0)
		return error_prefix(err, "getting '%s' from the sandbox", path);
	if (ret)
		*ret = bytes;
	return 0;
}

void sandbox_usage(struct sandbox *sb, struct sandbox_usage *ret)
{
	*ret = (struct sandbox_usage){ 0 };
	if (!sb->lost && sb->backend->usage)
		sb->backend->usage(sb, ret);
}

const struct sandbox_image_defaults *sandbox_image_defaults(const struct sandbox *sb)
{
	return &sb->defaults;
}

const struct sandbox_cluster *sandbox_cluster(const struct sandbox *sb)
{
	return sb->cluster;
}

bool sandbox_starts_empty(const struct sandbox *sb)
{
	return sb->backend->starts_empty;
}

const char *sandbox_image(const struct sandbox *sb)
{
	return *sb->image ? sb->image : NULL;
}

void sandbox_close(struct sandbox *sb)
{
	if (!sb)
		return;
	strvec_release(&sb->defaults.entrypoint);
	strvec_release(&sb->defaults.command);
	strvec_release(&sb->defaults.environment);
	sb->backend->close(sb);
}

bool sandbox_ends_with_host(const struct sandbox_ref *ref)
{
	const struct sandbox_backend *backend = backend_find(ref, NULL);

	return backend && backend->ends_with_host;
}

int sandbox_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	const struct sandbox_backend *backend = backend_find(ref, err);

	if (!backend || check_ref(ref, err) < 0)
		return -1;
	if (backend->destroy(ref, list, err) < 0)
		return error_prefix(err, "removing sandbox '%s'", ref->id);
	return 0;
}

int sandbox_sweep(bool thorough, struct cleanup_list *list, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->sweep && (thorough || !backends[i]->sweep_is_slow) && backends[i]->sweep(list, err) < 0)
			result = error_prefix(err, "looking for leftovers of '%s'", backends[i]->name);
	return result;
}

bool sandbox_backend_info(size_t i, struct backend_info *ret)
{
	if (i >= ARRAY_SIZE(backends))
		return false;
	*ret = (struct backend_info){
		.type = backends[i]->type,
		.runtime = backends[i]->name,
		.summary = backends[i]->summary,
		.images = backends[i]->images, .cluster = backends[i]->cluster,
	};
	return true;
}

void sandbox_backend_probe(size_t i, struct backend_info *info)
{
	info->available = backends[i]->probe(info->reason, sizeof(info->reason));
}

int sandbox_probe(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct control_table *controls,
		  struct error *err)
{
	struct sandbox *sb = NULL;
	struct error later;
	int created = sandbox_create(ref, spec, &sb, controls, err);

	sandbox_close(sb);
	if (sandbox_destroy(ref, NULL, created < 0 ? &later : err) < 0)
		return -1;
	return created;
}
