/* SPDX-License-Identifier: Apache-2.0
 * backend: what a kind of sandbox has to provide. Private to sandboxes/.
 *
 * One const struct at the bottom of the backend's only public file, listed in the one array of sandbox.c. The wrappers in
 * sandbox.c keep the state, add error context and refuse what is not allowed; nobody else calls these.
 */
#pragma once

#include "sandboxes/sandbox.h"

struct sandbox_backend {
	const char *type;	/* --type: "container", "kind" … */
	const char *name;	/* --runtime and ref.backend: "native" … */
	const char *summary;
	bool carries_network;	/* knows what to do with an allow-list of hosts */
	bool images;		/* knows what to do with spec.image */

	bool cluster;		/* as backend_info says; the handle's `cluster` is set by create() */
	bool writable_root;	/* spec.writable_root can be had */
	bool ends_with_host;	/* nothing that it makes outside of ref.endpoint is there after the host's kernel has ended */
	bool starts_empty;	/* a new sandbox has no file in the work folder, /tmp and /dev/shm */

	/* Can this host do it? Cheap. false: `reason` says why and what to do. Mandatory. */
	bool (*probe)(char *reason, size_t size);
	/* As sandbox.h says. Mandatory. create() stores a struct that starts with `struct sandbox`. */
	int (*create)(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		      struct control_table *controls, struct error *err);
	int (*put)(struct sandbox *sb, const struct sandbox_file *file, struct error *err);
	int (*exec)(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret,
		    struct error *err);
	void (*close)(struct sandbox *sb);
	int (*destroy)(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err);
	/* Optional. Without walk and get effects on files are said to be unknown. */
	int (*walk)(struct sandbox *sb, struct sandbox_walk *walk, struct error *err);
	int (*get)(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
		   struct error *err);
	void (*usage)(struct sandbox *sb, struct sandbox_usage *ret);
	int (*sweep)(struct cleanup_list *list, struct error *err);
	bool sweep_is_slow;	/* somebody else has to be asked: not at every start */
};

struct sandbox {		/* base of every handle */
	const struct sandbox_backend *backend;
	struct sandbox_ref ref;
	bool lost;		/* the sandbox died: only close and destroy are allowed */
	const struct sandbox_cluster *cluster;	/* owned by the backend; NULL: it is none */
	char image[384];	/* by digest; "": none */
	struct sandbox_image_defaults defaults;	/* of the image; released by sandbox_close() */
};

extern const struct sandbox_backend sandbox_backend_native;
extern const struct sandbox_backend sandbox_backend_runc, sandbox_backend_crun, sandbox_backend_runsc;
extern const struct sandbox_backend sandbox_backend_kind, sandbox_backend_kubernetes;
extern const struct sandbox_backend sandbox_backend_docker, sandbox_backend_podman;
