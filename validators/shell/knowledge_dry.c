/* SPDX-License-Identifier: Apache-2.0
 * A wrong "yes" hides a danger, so what is not sure is no: words behind "--", values of options, words that a wrapper or interpreter hands on. */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

enum dry_kind {
	DRY_ALWAYS = 1 << 0,		/* terraform plan */
	DRY_NEVER = 1 << 1,		/* echo --help */
	DRY_HANDS_ON = 1 << 2,		/* what stands behind the first word that is no option is somebody else's; beside those with OPTIONS_STOP */
	DRY_SUBCOMMANDS = 1 << 3,	/* rows of "git clean" and the like follow */
};

/* Options by which programs only tell what they would do. */
struct dry {			/* without an address, so that nothing is relocated when the program starts */
	char program[24];
	char words[56];		/* with blanks between, "-n" counts in a bundle, too */
	char valued[24];	/* letters that take the rest of a bundle as their value */
	unsigned int kind;	/* enum dry_kind */
};

/* clang-format off */
/* In the order of strcmp(3). */
static const struct dry table[] = {
	{ "ansible-playbook", "-C --check --syntax-check --list-tasks --list-hosts", "ielftuv", 0 },
	{ "apache2ctl", "-t", "cfgpeoh", 0 },
	{ "apt", "-s --recon --simulate --no-act --just-print", "oact", 0 },
	{ "apt-get", "-s --recon --simulate --no-act --just-print", "oact", 0 },
	{ "aptitude", "-s --recon --simulate --no-act --just-print", "oact", 0 },
	{ "ash", "-n", "oOc", 0 },
	{ "aws", "--generate-cli-skeleton", "", 0 },
	{ "bash", "-n", "oOc", 0 },
	{ "bmake", "-n --recon --just-print -q --question", "CfIojlWE", 0 },
	{ "builtin", "", "", DRY_HANDS_ON },
	{ "bundle", "", "", DRY_HANDS_ON },
	{ "busybox", "", "", DRY_HANDS_ON },
	{ "bwrap", "", "", DRY_HANDS_ON },
	{ "capsh", "", "", DRY_HANDS_ON },
	{ "catchsegv", "", "", DRY_HANDS_ON },
	{ "chroot", "", "", DRY_HANDS_ON },
	{ "chrt", "", "", DRY_HANDS_ON },
	{ "command", "", "", DRY_HANDS_ON },
	{ "conda", "", "", DRY_HANDS_ON },
	{ "coproc", "", "", DRY_HANDS_ON },
	{ "crictl", "", "", DRY_SUBCOMMANDS },
	{ "crictl exec", "", "", DRY_HANDS_ON },
	{ "ctr", "", "", DRY_SUBCOMMANDS },
	{ "ctr run", "", "", DRY_HANDS_ON },
	{ "ctr tasks", "", "", DRY_HANDS_ON },
	{ "dash", "-n", "oOc", 0 },
	{ "dbus-run-session", "", "", DRY_HANDS_ON },
	{ "dnf", "--assumeno", "", 0 },
	{ "doas", "", "", DRY_HANDS_ON },
	{ "docker", "", "", DRY_SUBCOMMANDS },
	{ "docker compose", "", "", DRY_HANDS_ON },
	{ "docker container", "", "", DRY_HANDS_ON },
	{ "docker create", "", "", DRY_HANDS_ON },
	{ "docker exec", "", "", DRY_HANDS_ON },
	{ "docker run", "", "", DRY_HANDS_ON },
	{ "dpkg", "--no-act", "", 0 },
	{ "e2fsck", "-n", "bBjzElLCotm", 0 },
	{ "echo", "", "", DRY_NEVER },
	{ "entr", "", "", DRY_HANDS_ON },
	{ "env", "", "", DRY_HANDS_ON },
	{ "eval", "", "", DRY_HANDS_ON },
	{ "exec", "", "", DRY_HANDS_ON },
	{ "expect", "", "", DRY_HANDS_ON },
	{ "fakeroot", "", "", DRY_HANDS_ON },
	{ "firejail", "", "", DRY_HANDS_ON },
	{ "flock", "", "", DRY_HANDS_ON },
	{ "fsck.ext2", "-n", "bBjzElLCotm", 0 },
	{ "fsck.ext3", "-n", "bBjzElLCotm", 0 },
	{ "fsck.ext4", "-n", "bBjzElLCotm", 0 },
	{ "gdb", "", "", DRY_HANDS_ON },
	{ "git", "", "", DRY_SUBCOMMANDS },
	{ "git add", "-n", "eo", 0 },
	{ "git clean", "-n", "eo", 0 },
	{ "git mv", "-n", "eo", 0 },
	{ "git prune", "-n", "eo", 0 },
	{ "git push", "-n", "eo", 0 },
	{ "git rm", "-n", "eo", 0 },
	{ "git stage", "-n", "eo", 0 },
	{ "git worktree", "-n", "eo", 0 },
	{ "gmake", "-n --recon --just-print -q --question", "CfIojlWE", 0 },
	{ "go", "", "", DRY_SUBCOMMANDS },
	{ "go run", "", "", DRY_HANDS_ON },
	{ "haproxy", "-t", "cfgpeoh", 0 },
	{ "helm", "", "", DRY_SUBCOMMANDS },
	{ "helm lint", "", "", DRY_ALWAYS },
	{ "helm template", "", "", DRY_ALWAYS },
	{ "incus", "", "", DRY_SUBCOMMANDS },
	{ "incus exec", "", "", DRY_HANDS_ON },
	{ "inotifywait", "", "", DRY_HANDS_ON },
	{ "ionice", "", "", DRY_HANDS_ON },
	{ "ip6tables-restore", "-t --test", "", 0 },
	{ "iptables-restore", "-t --test", "", 0 },
	{ "ksh", "-n", "oOc", 0 },
	{ "kubectl", "", "", DRY_SUBCOMMANDS },
	{ "kubectl exec", "", "", DRY_HANDS_ON },
	{ "linux64", "", "", DRY_HANDS_ON },
	{ "logrotate", "-d --debug", "sml", 0 },
	{ "ltrace", "", "", DRY_HANDS_ON },
	{ "lvcreate", "-t --test", "LlnS", 0 },
	{ "lvreduce", "-t --test", "LlnS", 0 },
	{ "lvremove", "-t --test", "LlnS", 0 },
	{ "lxc", "", "", DRY_SUBCOMMANDS },
	{ "lxc exec", "", "", DRY_HANDS_ON },
	{ "machinectl", "", "", DRY_SUBCOMMANDS },
	{ "machinectl shell", "", "", DRY_HANDS_ON },
	{ "make", "-n --recon --just-print -q --question", "CfIojlWE", 0 },
	{ "microdnf", "--assumeno", "", 0 },
	{ "mke2fs", "-n", "bCEgGiIJLmMNoOrTUedzt", 0 },
	{ "mkfs.btrfs", "-n", "bCEgGiIJLmMNoOrTUedzt", 0 },
	{ "mkfs.ext2", "-n", "bCEgGiIJLmMNoOrTUedzt", 0 },
	{ "mkfs.ext3", "-n", "bCEgGiIJLmMNoOrTUedzt", 0 },
	{ "mkfs.ext4", "-n", "bCEgGiIJLmMNoOrTUedzt", 0 },
	{ "mkfs.xfs", "-N", "bdilmnsrL", 0 },
	{ "mksh", "-n", "oOc", 0 },
	{ "modprobe", "-n --show -D --show-depends", "Cd", 0 },
	{ "multipass", "", "", DRY_SUBCOMMANDS },
	{ "multipass exec", "", "", DRY_HANDS_ON },
	{ "nerdctl", "", "", DRY_SUBCOMMANDS },
	{ "nerdctl exec", "", "", DRY_HANDS_ON },
	{ "nerdctl run", "", "", DRY_HANDS_ON },
	{ "nft", "-c --check", "fI", 0 },
	{ "nginx", "-t", "cfgpeoh", 0 },
	{ "nice", "", "", DRY_HANDS_ON },
	{ "nix-shell", "", "", DRY_HANDS_ON },
	{ "nohup", "", "", DRY_HANDS_ON },
	{ "npx", "", "", DRY_HANDS_ON },
	{ "nsenter", "", "", DRY_HANDS_ON },
	{ "numactl", "", "", DRY_HANDS_ON },
	{ "oc", "", "", DRY_SUBCOMMANDS },
	{ "oc exec", "", "", DRY_HANDS_ON },
	{ "oc rsh", "", "", DRY_HANDS_ON },
	{ "pacman", "-p --print", "", 0 },
	{ "perl-rename", "-n --nono --no-act", "eE", 0 },
	{ "pipx", "", "", DRY_HANDS_ON },
	{ "pkexec", "", "", DRY_HANDS_ON },
	{ "podman", "", "", DRY_SUBCOMMANDS },
	{ "podman create", "", "", DRY_HANDS_ON },
	{ "podman exec", "", "", DRY_HANDS_ON },
	{ "podman run", "", "", DRY_HANDS_ON },
	{ "poetry", "", "", DRY_HANDS_ON },
	{ "prename", "-n --nono --no-act", "eE", 0 },
	{ "printf", "", "", DRY_NEVER },
	{ "proot", "", "", DRY_HANDS_ON },
	{ "pulumi", "", "", DRY_SUBCOMMANDS },
	{ "pulumi preview", "", "", DRY_ALWAYS },
	{ "puppet", "--noop", "", 0 },
	{ "pvcreate", "-t --test", "LlnS", 0 },
	{ "pvremove", "-t --test", "LlnS", 0 },
	{ "rclone", "-n", "pr", 0 },
	{ "rename", "-n --nono --no-act", "eE", 0 },
	{ "restic", "-n", "pr", 0 },
	{ "rlwrap", "", "", DRY_HANDS_ON },
	{ "rpm", "--test", "", 0 },
	{ "rsync", "-n", "eBTfM", 0 },
	{ "run-parts", "--test --list", "", 0 },
	{ "runuser", "", "", DRY_HANDS_ON },
	{ "s3cmd", "", "", DRY_SUBCOMMANDS },
	{ "s3cmd del", "-n", "pr", 0 },
	{ "s3cmd sync", "-n", "pr", 0 },
	{ "salt", "test=True", "", 0 },
	{ "salt-call", "test=True", "", 0 },
	{ "setarch", "", "", DRY_HANDS_ON },
	{ "setpriv", "", "", DRY_HANDS_ON },
	{ "setsid", "", "", DRY_HANDS_ON },
	{ "sfdisk", "-n --no-act", "NXYOwW", 0 },
	{ "sh", "-n", "oOc", 0 },
	{ "sshd", "-t", "cfgpeoh", 0 },
	{ "start-stop-daemon", "", "", DRY_HANDS_ON },
	{ "stdbuf", "", "", DRY_HANDS_ON },
	{ "su", "", "", DRY_HANDS_ON },
	{ "sudo", "", "", DRY_HANDS_ON },
	{ "systemd-run", "", "", DRY_HANDS_ON },
	{ "taskset", "", "", DRY_HANDS_ON },
	{ "terraform", "", "", DRY_SUBCOMMANDS },
	{ "terraform fmt", "", "", DRY_ALWAYS },
	{ "terraform plan", "", "", DRY_ALWAYS },
	{ "terraform validate", "", "", DRY_ALWAYS },
	{ "time", "", "", DRY_HANDS_ON },
	{ "timeout", "", "", DRY_HANDS_ON },
	{ "tmpreaper", "-t --test", "TU", 0 },
	{ "tmpwatch", "-t --test", "TU", 0 },
	{ "tofu", "", "", DRY_SUBCOMMANDS },
	{ "tofu plan", "", "", DRY_ALWAYS },
	{ "tofu validate", "", "", DRY_ALWAYS },
	{ "toybox", "", "", DRY_HANDS_ON },
	{ "trap", "", "", DRY_HANDS_ON },
	{ "unbuffer", "", "", DRY_HANDS_ON },
	{ "unshare", "", "", DRY_HANDS_ON },
	{ "uv", "", "", DRY_HANDS_ON },
	{ "vagrant", "", "", DRY_SUBCOMMANDS },
	{ "vagrant ssh", "", "", DRY_HANDS_ON },
	{ "valgrind", "", "", DRY_HANDS_ON },
	{ "vgcreate", "-t --test", "LlnS", 0 },
	{ "vgreduce", "-t --test", "LlnS", 0 },
	{ "vgremove", "-t --test", "LlnS", 0 },
	{ "visudo", "-c --check", "f", 0 },
	{ "watch", "", "", DRY_HANDS_ON },
	{ "wipefs", "-n --no-act", "otO", 0 },
	{ "xfs", "", "", DRY_SUBCOMMANDS },
	{ "xfs repair", "-n", "bBjzElLCotm", 0 },
	{ "xvfb-run", "", "", DRY_HANDS_ON },
	{ "yum", "--assumeno", "", 0 },
	{ "zfs", "", "", DRY_SUBCOMMANDS },
	{ "zfs destroy", "-n", "", 0 },
	{ "zfs receive", "-n", "", 0 },
	{ "zpool", "", "", DRY_SUBCOMMANDS },
	{ "zpool create", "-n", "", 0 },
	{ "zpool import", "-n", "", 0 },
	{ "zsh", "-n", "oOc", 0 },
};
/* clang-format on */

const struct dry *dry_at(size_t i, const char **name)
{
	if (i >= sizeof(table) / sizeof(*table))
		return NULL;
	*name = table[i].program;
	return &table[i];
}

/* Words that everybody understands so. */
static const char everywhere[] = "--dry-run --dryrun --help --version --what-if --no-act --simulate";

static bool has_word(const char *list, const char *word, size_t len)
{
	for (const char *s = list; *s; ) {
		size_t n = strcspn(s, " ");

		if (n == len && !memcmp(s, word, len))
			return true;
		s += n + (s[n] == ' ');
	}
	return false;
}

/* "-n" in "-fnx"; letters behind one with a value are no options. */
static bool has_letter(const struct dry *d, const struct shell_value *word)
{
	if (word->len < 3 || word->text[0] != '-' || word->text[1] == '-')
		return false;
	for (size_t i = 1; i < word->len; i++) {
		char option[2] = { '-', word->text[i] };

		if (has_word(d->words, option, 2))
			return true;
		if (strchr(d->valued, word->text[i]))
			return false;
	}
	return false;
}

/* "--dry-run=client"; "=none" and "=false" say the opposite. */
static bool is_said(const char *list, const struct shell_value *word)
{
	const char *equals = memchr(word->text, '=', word->len);

	if (has_word(list, word->text, word->len))
		return true;
	return equals && strcmp(equals, "=none") && strcmp(equals, "=false") && strcmp(equals, "=0") && strcmp(equals, "=") &&
	       has_word(list, word->text, (size_t)(equals - word->text));
}

const struct dry *dry_find(const char *name, size_t len)
{
	size_t low = 0, high = sizeof(table) / sizeof(*table);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = effects_compare(table[middle].program, name, len);

		if (c == 0)
			return &table[middle];
		if (c > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* "git", "clean": the row of "git clean". */
static const struct dry *find_subcommand(const struct dry *parent, const struct shell_value *word)
{
	char name[64];
	size_t len = strlen(parent->program);

	if (len + 1 + word->len >= sizeof(name))
		return NULL;
	memcpy(name, parent->program, len);
	name[len] = ' ';
	memcpy(name + len + 1, word->text, word->len);
	return dry_find(name, len + 1 + word->len);
}

static bool says_so(const struct dry *row, const struct shell_value *word)
{
	if (word->len > 5 && word->text[0] == '-' && word->text[1] == '-' && is_said(everywhere, word))
		return true;
	return row && row->words[0] && (is_said(row->words, word) || has_letter(row, word));
}

/* Is there any word at all that could say so? Most commands end here. */
static bool may_say_so(const struct dry *row, const struct shell_value *argv, size_t argc)
{
	if (row && (row->kind & DRY_SUBCOMMANDS || row->words[0]))
		return true;
	for (size_t i = 1; i < argc; i++)
		if (says_so(NULL, &argv[i]))
			return true;
	return false;
}

/* A file of somebody's own may do anything when it is asked for help: only the system's are known to obey. */
static bool is_own_file(const struct shell_value *word)
{
	static const char *const folders[] = { "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (!strncmp(word->text, folders[i], strlen(folders[i])))
			return false;
	return memchr(word->text, '/', word->len) || !word->known;
}

bool knowledge_is_dry_by(const struct known_program *known, const struct shell_value *argv, size_t argc)
{
	const struct dry *row = known->dry;
	const struct program *program = known->effects;

	if (argc < 2 || (row && row->kind & DRY_NEVER) || !may_say_so(row, argv, argc) || is_own_file(&argv[0]))
		return false;

	bool hands_on = (program && program->style & OPTIONS_STOP) || (row && row->kind & DRY_HANDS_ON);
	bool below = false;

	for (size_t i = 1; i < argc; i++) {
		const struct shell_value *word = &argv[i];

		if (word->len == 2 && !memcmp(word->text, "--", 2))
			return false;
		if (says_so(row, word))
			return true;
		if (program && options_takes_value(program->options, program->style, word)) {
			i++;
		} else if (!word->len || word->text[0] != '-') {
			const struct dry *found = !below && row && row->kind & DRY_SUBCOMMANDS ? find_subcommand(row, word) : NULL;

			if (hands_on)
				return false;
			if (found && found->kind & DRY_ALWAYS)
				return true;
			hands_on = found && found->kind & DRY_HANDS_ON;
			row = found ? found : row;
			below = true;
		}
	}
	return false;
}

bool knowledge_is_dry(struct arena *arena, const struct shell_value *argv, size_t argc)
{
	struct known_program known;

	if (!argc)
		return false;
	known = program_known(arena, &argv[0], "");
	return knowledge_is_dry_by(&known, argv, argc);
}
