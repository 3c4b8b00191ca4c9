/* SPDX-License-Identifier: Apache-2.0
 * config: configuration files. What can stand in one follows from the option tables (`section`, `key` and `trust` of a row); there is no
 * second list, but for what has only one possible value.
 *
 *	sandbox:
 *	  type: container
 *	  require: [memory, pids]
 *	  limits: {cpu: 2, memory: 4Gi, storage: 10Gi, execution_time: 30m}
 *	  security: {drop_capabilities: [ALL], add_capabilities: []}
 *	  cleanup: {cleanup_timeout: 5m}
 *
 * Command line, environment, project, user, system, profile: the first that says something wins, lists add up. The file of a project comes
 * with the package, from anywhere, so it may only tighten.
 */
#pragma once

#include "cmd/options.h"
#include "validators/finding.h"

#define CONFIG_SYSTEM_PATH "/etc/sandbox_runner/config.yaml"
#define CONFIG_PROJECT_NAME ".sandbox_runner.yaml"

enum config_level { CONFIG_SYSTEM, CONFIG_USER, CONFIG_PROJECT, CONFIG_LEVELS };
const char *config_level_to_string(enum config_level level);	/* "system", … */

struct config_setting {
	const struct option_spec *row;	/* of the known ones */
	const struct node *key, *value;	/* not null */
	bool on;			/* of flags */
};

struct config_file {
	enum config_level level;
	char *path;
	struct document *doc;		/* NULL: could not be read */
	struct finding_list findings;	/* sorted; errors make it unusable */
	struct config_setting *settings;
	size_t len, alloc;
};

struct config {			/* all zero is a good start */
	struct config_file files[CONFIG_LEVELS];	/* in rising order of level */
	size_t len;
	struct option_origins origins;
	struct strvec kept;	/* texts that options point to */
};
void config_release(struct config *c);

/* Which files there are: `option` is --config (NULL; a file in place of the user's and the system's; "none": no file at all), `package` what is
 * run (NULL: nothing yet), from whose folder the project's file is looked for, upwards to the top of the repository or the home folder; outside
 * of both in that folder only. Fills level and path. */
int config_find(const char *option, const char *package, struct config *ret, struct error *err);

/* Read one, whose path is set. What is wrong is in its findings. */
void config_read(struct config_file *f, const struct option_spec *const *known);
/* The same from bytes. */
void config_parse(struct config_file *f, const char *bytes, size_t len, const struct option_spec *const *known);

/* Put what the files say into `target`, whose options are `tables`, where c->origins has no one who wins. What a project's file must not do
 * is added to its findings. */
void config_apply(struct config *c, const struct option_spec *const *tables, void *target);

/* Is the row known under this name of a section? '-' and '_' are the same. */
bool config_row_is_called(const struct option_spec *row, const char *name);
void config_row_name(const struct option_spec *row, struct strbuf *out);	/* "limits.memory" */

/* What can be said in a file but has one possible meaning only. false past the last. */
bool config_fixed_at(size_t i, const char **section, const char **key, const char **value);
