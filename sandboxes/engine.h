/* SPDX-License-Identifier: Apache-2.0
 * engine: sandboxes that a container engine makes, by its API on a unix socket: docker, and podman, which speaks the same but for
 * a few words. Private to engine*.c.
 *
 *	state file > image with our own files > container > attached > started > guest_init is ready
 *
 * The container's first process is guest_init, so commands, files and events travel over the attached stream and nothing has to be asked of
 * the engine while steps run. The end of that stream is the end of the container, which the engine then removes by itself.
 * Everything made has a label with the id; what has not is never touched.
 */
#pragma once

#include "runner/base/http.h"
#include "runner/base/json.h"
#include "runner/base/strvec.h"
#include "sandboxes/backend.h"
#include "sandboxes/cgroup.h"
#include "sandboxes/guest.h"
#include "sandboxes/network.h"

#define ENGINE_LABEL "sandbox_runner.run"		/* the id */
#define ENGINE_LABEL_STATE "sandbox_runner.state"	/* path of the state file, locked while its runner lives */
#define ENGINE_LABEL_WHERE "sandbox_runner.where"	/* mount namespace in which that path means something */
#define ENGINE_LABEL_DEADLINE "sandbox_runner.deadline"	/* seconds since 1970: by then it has ended itself */
#define ENGINE_LABEL_VERSION "sandbox_runner.version"
#define ENGINE_NAME_PREFIX "sandbox_runner-"		/* of containers and images */
#define ENGINE_INIT_PATH "/.sandbox_runner/init"	/* guest_init, inside */

/* What differs. */
struct engine_kind {
	const struct sandbox_backend *backend;
	const char *variable;		/* of the environment, which names the socket */
	const char *root_socket;
	const char *user_sockets[2];	/* below $XDG_RUNTIME_DIR and $HOME; NULL: none */
	const char *how_to_start;
	const char *own_users;		/* kinds of it that have a user namespace */
	const char *group;		/* whose members may use the socket; NULL: there is none */
	bool tmpfs_details;		/* owner and number of files of a tmpfs can be said */
	bool masks_are_options;		/* hidden paths are a security option */
	bool network_disabled;		/* can leave out all it does for a network, which takes half of its time */
	bool removes_twice;		/* by itself at the end and by force, both at a time: is confused by that */
	bool adds_writable;		/* makes /run and /var/tmp writable unless told otherwise */
};
extern const struct engine_kind engine_docker, engine_podman;
const struct engine_kind *engine_kind_of(const char *backend);

/* ---- engine_api.c: talking to it */

struct engine {
	const struct engine_kind *kind;
	struct http_session *http;
	char socket[112], version[8];	/* "1.41": what we both speak */
	uint64_t call_ns;		/* how long one call may take; a caller may lower it */
};
/* `socket` NULL: where the environment says, or the usual place. Asks which version it speaks. ERR_UNAVAILABLE, with what to do. */
int engine_open(struct engine *e, const struct engine_kind *kind, const char *socket, uint64_t timeout_ns, struct error *err);
void engine_close(struct engine *e);

/* A call with `body` (consumed; NULL: none). Returns the status, the answer in *ret if that is not NULL and it was JSON; -1: none came. */
int engine_call(struct engine *e, const char *method, const char *path, json_t *body, json_t **ret, struct error *err);
/* The same; a status from 400 on is an error, with what the engine says, and -1. */
int engine_demand(struct engine *e, const char *method, const char *path, json_t *body, json_t **ret, struct error *err);
/* Turn a status and an answer into an error. Always -1. */
int engine_refusal(const struct engine *e, int status, const json_t *answer, struct error *err);
/* Text at a path of members: engine_text(answer, "State", "Status", NULL). Never NULL. */
const char *engine_text(const json_t *object, ...) __attribute__((sentinel));
uint64_t engine_number(const json_t *object, ...) __attribute__((sentinel));
/* "/images/json?filters={"label":["…"]}" and the like: `value` NULL for any. The caller frees. */
char *engine_labelled(const char *path, const char *label, const char *value);

/* ---- engine_state.c: the record of what there is, "docker-<id>" in the scratch folder */

struct engine_process {
	int pid;			/* 0: not known */
	uint64_t start;			/* start time of it */
};
struct engine_state {
	char path[640];
	int fd;				/* locked; -1: not open */
	char socket[112];
	char container[72];		/* its id; "": not known */
	bool image;			/* one was made */
	bool asking;			/* for an image or container, without an answer yet: it may come when we are gone */
	struct engine_process init, forwarder;
	struct strvec cgroups;
};
/* Make and lock it, on disk when this returns. */
int engine_state_make(struct engine_state *s, const struct sandbox_ref *ref, const struct engine *e, struct error *err);
int engine_state_add(struct engine_state *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 1; 0: there is none; -1. */
int engine_state_read(struct engine_state *s, const struct sandbox_ref *ref, struct error *err);
void engine_state_release(struct engine_state *s);
/* The first process of a container by what the engine says of it, if it is one that can be seen from here: engines live in machines and
 * pid namespaces of their own, too, and their number 4711 is somebody else here. */
struct engine_process engine_process_of(const json_t *inspected, const char *container);
/* Nobody holds the lock of this file, or it is gone. */
bool engine_state_is_orphan(const char *path);
/* By the labels of something of ours: were they written in this mount namespace, where their path means something? */
bool engine_is_here(const json_t *labels);
/* Its record can be locked or is gone, seen from where it was written; or its time is over by far, which it should not have outlived. */
bool engine_is_orphan(const json_t *labels);

/* ---- engine_image.c: the root */

struct engine_image {
	char id[128];			/* what the container is made of */
	char name[384];			/* by digest, for people; "": ours */
	json_t *volumes;		/* owned: paths that the image declares; NULL: none */
	json_t *config;			/* owned: what the image says of itself; NULL: nothing */
};
/* The image the spec asks for, pulled if need be and allowed. */
int engine_image_find(struct engine *e, const struct sandbox_spec *spec, struct engine_image *ret, struct error *err);
/* An image with folders, links and files of our own and nothing else; `tar` is its content. */
int engine_image_make(struct engine *e, const json_t *labels, const char *id, const struct strbuf *tar, struct engine_image *ret, struct error *err);
enum engine_tar_kind { ENGINE_TAR_FILE = '0', ENGINE_TAR_LINK = '2', ENGINE_TAR_FOLDER = '5' };
void engine_tar_add(struct strbuf *tar, enum engine_tar_kind kind, const char *path, const char *text);
void engine_tar_end(struct strbuf *tar);

/* ---- engine_config.c: the container */

struct engine_plan {
	const struct engine_kind *kind;
	const struct sandbox_ref *ref;
	const struct sandbox_spec *spec;
	const char *scratch;		/* folder with `init`, `life`, `hosts` and `resolv.conf` */
	const char *state;		/* path of the state file */
	uid_t user;			/* uid and gid of the steps */
	uint64_t work_bytes, tmp_bytes, shm_bytes;
	uint64_t life_ns;
	json_t *mounts;			/* owned */
	struct strvec masks;		/* paths to hide, as seen inside */
};
void engine_plan_release(struct engine_plan *p);
/* The host view or the folder of the spec: mounts go into the plan, the rest into `tar`. */
int engine_plan_root(struct engine_plan *p, struct strbuf *tar, struct error *err);
/* The body of POST /containers/create. */
json_t *engine_labels(const struct engine_plan *p);	/* of everything we make */
json_t *engine_config(const struct engine_plan *p, const struct engine_image *image);

/* ---- engine.c */

struct engine_sandbox {
	struct sandbox base;
	struct engine engine;
	struct engine_state state;
	struct guest guest;
	int life_fd;			/* for writing, and only held; -1 */
	struct network_plan *network;	/* owned; NULL: none at all */
	struct network_forwarder forwarder;
	struct cgroup cgroup;		/* the container's, as far as it can be seen from here */
	struct sandbox_limits limits;
};

/* ---- engine_usage.c: what is used, and what of limits is in force */

/* Find the container's control groups by its first process; none when the engine lives in another world. */
void engine_usage_open(struct engine_sandbox *es);
void engine_usage(struct sandbox *sb, struct sandbox_usage *ret);
/* Rows that only the engine's own words and the control groups can tell. */
void engine_fill_controls(struct engine_sandbox *es, const struct engine_plan *p, const json_t *inspected, struct control_table *t);

/* ---- engine_destroy.c */
int engine_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err);
int engine_sweep(const struct engine_kind *kind, struct cleanup_list *list, struct error *err);
/* True: it is gone, of itself within `patience_ns` or killed. */
bool engine_kill_process(int pid, uint64_t start, uint64_t patience_ns);
