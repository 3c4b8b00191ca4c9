/* SPDX-License-Identifier: Apache-2.0
 * A wrong "yes" hides a danger, so what is not sure is no: words behind "--", values of options, words that a wrapper or interpreter hands on. */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

/* Options by which programs only tell what they would do. */
struct dry {
	const char *programs;	/* with blanks between; "git_clean": of a subcommand */
	const char *words;	/* with blanks between, "-n" counts in a bundle, too; "": always */
	const char *valued;	/* letters that take the rest of a bundle as their value */
};

static const struct dry table[] = {
	{ "make gmake bmake", "-n --recon --just-print -q --question", "CfIojlWE" },
	{ "rsync", "-n", "eBTfM" },
	{ "git_clean git_add git_push git_rm git_mv git_stage git_prune git_worktree", "-n", "eo" },
	{ "apt-get apt aptitude", "-s --recon --simulate --no-act --just-print", "oact" },
	{ "yum dnf microdnf", "--assumeno", "" },
	{ "dpkg", "--no-act", "" },
	{ "rpm", "--test", "" },
	{ "pacman", "-p --print", "" },
	{ "logrotate", "-d --debug", "sml" },
	{ "rename prename perl-rename", "-n --nono --no-act", "eE" },
	{ "wipefs", "-n --no-act", "otO" },
	{ "mke2fs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.btrfs", "-n", "bCEgGiIJLmMNoOrTUedzt" },
	{ "mkfs.xfs", "-N", "bdilmnsrL" },
	{ "sfdisk", "-n --no-act", "NXYOwW" },
	{ "e2fsck fsck.ext2 fsck.ext3 fsck.ext4 xfs_repair", "-n", "bBjzElLCotm" },
	{ "sh bash dash zsh ksh ash mksh", "-n", "oOc" },
	{ "tmpreaper tmpwatch", "-t --test", "TU" },
	{ "lvremove vgremove pvremove lvreduce pvcreate vgcreate lvcreate vgreduce", "-t --test", "LlnS" },
	{ "zfs_destroy zpool_create zpool_import zfs_receive", "-n", "" },
	{ "nginx sshd apache2ctl haproxy", "-t", "cfgpeoh" },
	{ "visudo", "-c --check", "f" },
	{ "nft", "-c --check", "fI" },
	{ "iptables-restore ip6tables-restore", "-t --test", "" },
	{ "modprobe", "-n --show -D --show-depends", "Cd" },
	{ "rclone restic s3cmd_sync s3cmd_del", "-n", "pr" },
	{ "ansible-playbook", "-C --check --syntax-check --list-tasks --list-hosts", "ielftuv" },
	{ "puppet", "--noop", "" },
	{ "salt salt-call", "test=True", "" },
	{ "aws", "--generate-cli-skeleton", "" },
	{ "run-parts", "--test --list", "" },
	{ "terraform_plan tofu_plan terraform_validate tofu_validate terraform_fmt helm_template helm_lint pulumi_preview", "", "" },
	{ "systemd-analyze", "", "" },
};

/* Words that everybody understands so. */
static const char everywhere[] = "--dry-run --dryrun --help --version --what-if --no-act --simulate";

/* Programs whose words behind the first one that is no option are somebody else's, beside those of the table of programs. */
static const char handing_on[] =
	"sudo doas su runuser env nice ionice nohup timeout chroot nsenter unshare setsid stdbuf exec eval command builtin time watch flock "
	"systemd-run busybox toybox pkexec chrt taskset numactl setarch linux64 catchsegv proot fakeroot firejail bwrap start-stop-daemon "
	"entr inotifywait trap coproc unbuffer expect rlwrap dbus-run-session xvfb-run ltrace gdb valgrind capsh setpriv npx pipx poetry "
	"bundle uv conda nix-shell";

/* Subcommands that do. */
static const char handing_on_below[] =
	"docker_run docker_exec docker_create docker_compose docker_container podman_run podman_exec podman_create nerdctl_run nerdctl_exec "
	"kubectl_exec oc_exec oc_rsh ctr_run ctr_tasks crictl_exec lxc_exec incus_exec machinectl_shell vagrant_ssh multipass_exec go_run";

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

struct reader {
	const char *name;	/* base name */
	size_t name_len;
	const struct program *program;	/* of the table of effects; NULL */
	const struct dry *dry;		/* NULL: only what is understood everywhere */
	bool hands_on;
};

#define NAME_SIZE 64

/* "git" or, with its subcommand, "git_clean"; 0: too long to be known. */
static size_t full_name(const struct reader *r, const struct shell_value *subcommand, char name[NAME_SIZE])
{
	size_t len = r->name_len + (subcommand ? subcommand->len + 1 : 0);

	if (len >= NAME_SIZE)
		return 0;
	memcpy(name, r->name, r->name_len);
	if (subcommand) {
		name[r->name_len] = '_';
		memcpy(name + r->name_len + 1, subcommand->text, subcommand->len);
	}
	return len;
}

static const struct dry *find_row(const struct reader *r, const struct shell_value *subcommand)
{
	char name[NAME_SIZE];
	size_t len = full_name(r, subcommand, name);

	for (size_t i = 0; len && i < sizeof(table) / sizeof(*table); i++)
		if (has_word(table[i].programs, name, len))
			return &table[i];
	return NULL;
}

static bool says_so(const struct reader *r, const struct shell_value *word)
{
	if (is_said(everywhere, word))
		return true;
	return r->dry && (is_said(r->dry->words, word) || has_letter(r->dry, word));
}

/* The first word that is no option. False: what follows is another command's. */
static bool enter_subcommand(struct reader *r, const struct shell_value *word)
{
	char name[NAME_SIZE];
	size_t len = full_name(r, word, name);

	if (r->hands_on)
		return false;
	r->hands_on = len && has_word(handing_on_below, name, len);
	if (!r->dry)
		r->dry = find_row(r, word);
	return true;
}

bool knowledge_is_dry(const struct shell_value *argv, size_t argc)
{
	if (argc < 2 || !strcmp(argv[0].text, "echo") || !strcmp(argv[0].text, "printf"))
		return false;
	const char *slash = memrchr(argv[0].text, '/', argv[0].len);
	struct reader r = { .name = slash ? slash + 1 : argv[0].text };
	bool below = false;

	r.name_len = argv[0].len - (size_t)(r.name - argv[0].text);
	r.program = effects_find_program(r.name, r.name_len);
	r.dry = find_row(&r, NULL);
	r.hands_on = (r.program && r.program->style & OPTIONS_STOP) || has_word(handing_on, r.name, r.name_len);
	if (r.dry && !*r.dry->words)
		return true;
	for (size_t i = 1; i < argc; i++) {
		const struct shell_value *word = &argv[i];

		if (word->len == 2 && !memcmp(word->text, "--", 2))
			return false;
		if (says_so(&r, word))
			return true;
		if (r.program && options_takes_value(r.program->options, r.program->style, word)) {
			i++;
		} else if (!word->len || word->text[0] != '-') {
			if (r.hands_on || (!below && !enter_subcommand(&r, word)))
				return false;
			if (r.dry && !*r.dry->words)
				return true;
			below = true;
		}
	}
	return false;
}
