/* SPDX-License-Identifier: Apache-2.0
 * The programs that run other commands, and which of their options take values. One row per behaviour, one line per name: a name that is
 * missing costs one line. The names are sorted (the unit test checks it). */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_wrapper.h"

#define PRIVILEGED TRAIT_PRIVILEGED
#define REMOTE TRAIT_REMOTE

typedef const struct wrapper_program row;

/* ---- words behind options */
static row plain = { 0 };
static row sudo = {
	.options = { .values = "aCcDgpRrTtuU", .long_values = "auth-type close-from login-class chdir group host prompt chroot role command-timeout type "
		     "other-user user" },
	.assignments = true, .traits = PRIVILEGED, .shell_letters = "is", .shell_names = "login shell", .nothing_letters = "lvVKe",
	.nothing_names = "list validate version remove-timestamp edit help", .root_letters = "R", .root_names = "chroot",
};
static row doas = { .options = { .values = "aCu" }, .traits = PRIVILEGED, .shell_letters = "s", .nothing_letters = "CL" };
static row pkexec = { .options = { .long_values = "user" }, .traits = PRIVILEGED };
static row gosu = { .operands = 1 };
static row loader = { .options = { .long_values = "library-path preload argv0 inhibit-rpath audit glibc-hwcaps-prepend" }, .nothing_names = "list verify" };
static row env = {
	.options = { .values = "uCSaP", .long_values = "unset chdir split-string argv0" }, .assignments = true,
	.text_letters = "S", .text_names = "split-string", .text_and_words = true,
};
static row timeout = { .options = { .values = "sk", .long_values = "signal kill-after" }, .operands = 1 };
static row nice_row = { .options = { .values = "n", .long_values = "adjustment" } };
static row ionice = {
	.options = { .values = "cnpPu", .long_values = "class classdata pid pgid uid" }, .nothing_letters = "pPu", .nothing_names = "pid pgid uid",
};
static row chrt = {
	.options = { .values = "TPD", .long_values = "sched-runtime sched-period sched-deadline" }, .operands = 1,
	.nothing_letters = "pm", .nothing_names = "pid max",
};
static row taskset = { .operands = 1, .nothing_letters = "p", .nothing_names = "pid" };
static row stdbuf = { .options = { .values = "ioe", .long_values = "input output error" } };
static row time_row = { .options = { .values = "fo", .long_values = "format output" } };
static row command = { .nothing_letters = "vV" };
static row exec_row = { .options = { .values = "a" } };
static row xargs = {
	.options = { .values = "ILnPsdEaRSJ", .glued = "iel", .long_values = "max-args max-procs max-chars delimiter arg-file process-slot-var" },
	.appends_input = true, .placeholder_letters = "IiJ", .placeholder_names = "replace",
};
static row strace = { .options = { .values = "abeEIoOpPsSuUXA", .long_values = "attach user output" } };
static row ltrace = { .options = { .values = "aAeDFlnopsuwx" } };
static row valgrind = { 0 };
static row perf_stat = { .options = { .values = "eopGIrxCFcgjbmtu", .long_values = "event output pid repeat field-separator cpu freq count delay" } };
static const struct wrapper_sub perf_subs[] = { { "stat record trace", &perf_stat }, { NULL, NULL } };
static row perf = { .subs = perf_subs };
static row hyperfine = { .options = { .values = "wmMrspcSPDLnu" , .long_values = "warmup runs min-runs max-runs prepare setup cleanup shell export-json" },
			 .text = true };
static row unshare = {
	.options = { .values = "SGRwl", .glued = "munipCUTr", .long_values = "map-user map-group map-users map-groups setuid setgid root wd propagation setgroups "
		     "monotonic boottime load-interp owner" },
	.shell_alone = true, .root_letters = "R", .root_names = "root",
};
static row nsenter = {
	.options = { .values = "tSGN", .glued = "muinpCUTrwW", .long_values = "target setuid setgid net-socket" }, .shell_alone = true,
	.root_letters = "r", .root_names = "root",
};
static row chroot_row = { .operands = 1, .options = { .long_values = "userspec groups" }, .root_operand = true, .shell_alone = true };
static row schroot = { .options = { .values = "cunsdpo", .long_values = "chroot user directory shell session-name option" }, .shell_alone = true };
static row setpriv = {
	.options = { .long_flags = "clear-groups keep-groups init-groups nnp no-new-privs reset-env dump help version list-caps" }, .nothing_names = "dump",
};
static row prlimit = { .options = { .values = "po", .long_values = "pid output" }, .nothing_letters = "p", .nothing_names = "pid" };
static row runuser = {
	.options = { .values = "ugGwsTc", .long_values = "user group supp-group whitelist-environment shell command session-command" }, .traits = PRIVILEGED,
	.special = wrapper_su,
};
static row su = { .traits = PRIVILEGED, .special = wrapper_su };
static row sg = { .options = { .values = "c", .long_values = "command" }, .operands = 1, .late_options = true, .text_letters = "c", .text_names = "command", .text = true };
static row watch = { .options = { .values = "nqs", .long_values = "interval equexit shotsdir" }, .text = true };
static row entr = { .appends_input = true, .placeholder = "/_" };
static row flock = { .special = wrapper_flock };
static row script = {
	.options = { .values = "cEIoOBmTt", .long_values = "command echo log-in log-out log-io logging-format output-limit log-timing" }, .operands = 1,
	.late_options = true, .text_letters = "c", .text_names = "command", .shell_alone = true,
};
static row systemd_run = {
	.options = { .values = "pEMHuCG", .long_values = "unit property description slice uid gid nice working-directory setenv on-active on-boot on-startup "
		     "on-unit-active on-unit-inactive on-calendar timer-property path-property socket-property service-type host machine chdir root-directory" },
	.shell_letters = "S", .shell_names = "shell",
};
static row run0 = {
	.options = { .values = "ugDM", .long_values = "user group chdir unit property description slice nice setenv background machine" },
	.traits = PRIVILEGED, .shell_alone = true,
};
static row inhibit = { .options = { .values = "tp", .long_values = "what who why mode identifier priority" } };
static row nspawn = {
	.options = { .values = "DiMuSEpbx", .long_values = "directory image machine user setenv bind bind-ro tmpfs overlay uuid slice property capability chdir" },
	.root_letters = "D", .root_names = "directory",
};
static row bwrap = {
	.options = { .long_values = "bind:2 ro-bind:2 dev-bind:2 bind-try:2 ro-bind-try:2 dev-bind-try:2 symlink:2 setenv:2 file:2 bind-data:2 ro-bind-data:2 "
		     "chmod:2 overlay:3 overlay-src remount-ro dev proc tmpfs mqueue dir chdir uid gid hostname unsetenv args lock-file sync-fd info-fd "
		     "json-status-fd block-fd userns-block-fd seccomp add-seccomp-fd cap-add cap-drop perms size exec-label file-label userns userns2 pidns argv0" },
};
static row firejail = { 0 };
static row proot = { .options = { .values = "rbwqkvRSiml", .long_values = "rootfs bind cwd pwd qemu kernel-release" }, .root_letters = "rRS",
		     .root_names = "rootfs", .shell_alone = true };
static row fakeroot = { .options = { .values = "lsibu", .long_values = "lib faked" }, .shell_alone = true };
static row proxychains = { .options = { .values = "f" } };
static row torsocks = { .options = { .values = "uPap", .long_values = "user pass address port" } };
static row caffeinate = { .options = { .values = "tw" } };
static row cpulimit = { .options = { .values = "lpecPg", .long_values = "limit pid exe cpu path" }, .nothing_letters = "p", .nothing_names = "pid" };
static row cgexec = { .options = { .values = "g" } };
static row numactl = { .options = { .values = "iNCmpPlw", .long_values = "interleave cpunodebind physcpubind membind preferred weighted-interleave" } };
static row aa_exec = { .options = { .values = "pn", .long_values = "profile namespace" } };
static row faketime = { .options = { .values = "p", .long_values = "exclude-monotonic" }, .operands = 1 };
static row mpirun = { .options = { .single_dash = true, .long_values = "np n host hostfile machinefile x wdir map-by bind-to" } };
static row srun = { .options = { .values = "nNcptAJowexDm", .long_values = "ntasks nodes partition time account job-name output error mem" } };
static row newgrp = { .operands = 1, .shell_alone = true };
static row setarch = { .operands = 1 };
static row runcon = { .options = { .values = "utrl", .long_values = "user type role range" }, .operands = 1 };
static row capsh = { .special = wrapper_after_word };
static row chpst = { .options = { .values = "uUbe/nlLmdoprfct" }, .root_letters = "/" };
static row softlimit = { .options = { .values = "acdflmoprst" } };
static row sshpass = { .options = { .values = "fdpPe" } };
static row start_stop = {
	.options = { .values = "xapnugsrdkNIPcRt", .long_values = "exec pidfile name user group signal chroot chdir chuid nicelevel procsched iosched umask "
		     "retry output" },
	.root_letters = "r", .root_names = "chroot", .program_names = "exec", .nothing_letters = "K", .nothing_names = "stop status",
};
static row xvfb = { .options = { .values = "efnpsw", .long_values = "error-file auth-file server-num xauth-protocol server-args wait" } };
static row direnv_exec = { .operands = 1 };
static const struct wrapper_sub exec_subs[] = { { "exec run run-command", &plain }, { NULL, NULL } };
static row has_exec = { .subs = exec_subs };
static row with_name = { .options = { .values = "npetdscfw", .long_values = "name prefix profile duration env-file project config token" }, .operands = 1,
			 .late_options = true };
static const struct wrapper_sub exec_name_subs[] = { { "exec", &with_name }, { NULL, NULL } };
static row exec_name = { .subs = exec_name_subs };
static const struct wrapper_sub direnv_subs[] = { { "exec", &direnv_exec }, { NULL, NULL } };
static row direnv = { .subs = direnv_subs };
static row conda_run = { .options = { .values = "np", .long_values = "name prefix cwd" } };
static const struct wrapper_sub conda_subs[] = { { "run", &conda_run }, { NULL, NULL } };
static row conda = { .subs = conda_subs };
static row npm_exec = { .options = { .values = "cpw", .long_values = "call package workspace" }, .text_letters = "c", .text_names = "call" };
static const struct wrapper_sub npm_subs[] = { { "exec x", &npm_exec }, { NULL, NULL } };
static row npm = { .subs = npm_subs };
static row nix_shell = { .options = { .values = "pIAE", .long_values = "run command packages attr expr:1 arg:2 argstr:2 option:2 keep" }, .text_names = "run command" };
static row sops_text = { .operands = 1, .text = true };
static const struct wrapper_sub sops_subs[] = { { "exec-env exec-file", &sops_text }, { NULL, NULL } };
static row sops = { .subs = sops_subs };
static const struct wrapper_sub ip_exec_subs[] = { { "exec e ex exe", &gosu }, { NULL, NULL } };
static row ip_exec = { .subs = ip_exec_subs };
static const struct wrapper_sub ip_subs[] = { { "netns vrf netn net", &ip_exec }, { NULL, NULL } };
static row ip = { .options = { .long_values = "n netns f family rcvbuf batch", .single_dash = true }, .subs = ip_subs };
static row foreach_row = { .text = true };
static row bisect_run = { 0 };
static const struct wrapper_sub submodule_subs[] = { { "foreach", &foreach_row }, { NULL, NULL } };
static const struct wrapper_sub bisect_subs[] = { { "run", &bisect_run }, { NULL, NULL } };
static row git_submodule = { .subs = submodule_subs };
static row git_bisect = { .subs = bisect_subs };
static row git_rebase = { .options = { .values = "xsCX", .long_values = "exec onto strategy strategy-option" }, .text_letters = "x", .text_names = "exec",
			  .nothing_names = "x", .nothing_letters = "i" };
static row git_filter = { .options = { .long_values = "tree-filter index-filter env-filter msg-filter commit-filter parent-filter tag-name-filter setup" },
			  .text_names = "tree-filter index-filter env-filter msg-filter commit-filter parent-filter tag-name-filter setup",
			  .operands = 255 };
static const struct wrapper_sub git_subs[] = { { "submodule", &git_submodule }, { "bisect", &git_bisect }, { "rebase", &git_rebase },
					       { "filter-branch", &git_filter }, { NULL, NULL } };
static row git = { .options = { .values = "Cc", .long_values = "git-dir work-tree namespace config-env" }, .subs = git_subs };

/* ---- in containers, on other machines */
#define DOCKER_RUN_FLAGS "detach init interactive tty privileged read-only rm publish-all no-healthcheck oom-kill-disable sig-proxy disable-content-trust quiet help " \
	"use-api-socket replace rmi no-hosts no-hostname tls-verify passwd env-host http-proxy read-only-tmpfs"
static row docker_run = {
	.options = { .values = "acehlmpuvw", .long_flags = DOCKER_RUN_FLAGS }, .operands = 1, .traits = REMOTE, .program_names = "entrypoint",
};
static row docker_exec = {
	.options = { .values = "euw", .long_flags = "detach interactive tty privileged latest help" }, .operands = 1, .traits = REMOTE,
};
static row compose_run = {
	.options = { .values = "eluvwp", .long_flags = "detach build interactive no-deps no-TTY quiet-pull remove-orphans rm service-ports use-aliases no-tty quiet" },
	.operands = 1, .traits = REMOTE, .program_names = "entrypoint",
};
static row compose_exec = {
	.options = { .values = "euw", .long_values = "env user workdir index" }, .operands = 1, .traits = REMOTE,
};
static const struct wrapper_sub compose_subs[] = { { "run", &compose_run }, { "exec", &compose_exec }, { NULL, NULL } };
static row compose = {
	.options = { .values = "fpHc", .long_values = "file project-name profile project-directory env-file ansi parallel progress context" },
	.subs = compose_subs,
};
static const struct wrapper_sub docker_container_subs[] = { { "run create", &docker_run }, { "exec", &docker_exec }, { NULL, NULL } };
static row docker_container = { .subs = docker_container_subs };
static const struct wrapper_sub docker_subs[] = {
	{ "run create", &docker_run }, { "exec", &docker_exec }, { "container", &docker_container }, { "compose", &compose }, { NULL, NULL },
};
static row docker = {
	.options = { .values = "Hcln", .long_values = "host context config log-level tlscacert tlscert tlskey connection url identity root runroot namespace "
		     "storage-driver storage-opt address" },
	.subs = docker_subs,
};
static row buildah_run = { .options = { .values = "ev", .long_flags = "tty terminal no-pivot no-hosts" }, .operands = 1, .traits = REMOTE };
static const struct wrapper_sub buildah_subs[] = { { "run", &buildah_run }, { NULL, NULL } };
static row buildah = { .options = { .long_values = "root runroot storage-driver" }, .subs = buildah_subs };

#define KUBECTL_VALUES "namespace context cluster user kubeconfig server token as as-group as-uid certificate-authority client-certificate client-key " \
	"container filename pod-running-timeout request-timeout cache-dir tls-server-name username password profile profile-output "
static row kubectl_exec = {
	.options = { .values = "ncfs", .long_values = KUBECTL_VALUES }, .operands = 1, .late_options = true, .traits = REMOTE,
};
static row kubectl_run = {
	.options = { .values = "nlsfk", .long_values = KUBECTL_VALUES "image env labels port overrides restart annotations image-pull-policy override-type "
		     "field-manager output template" },
	.operands = 1, .late_options = true, .traits = REMOTE,
};
static row kubectl_debug = {
	.options = { .values = "ncsf", .long_values = KUBECTL_VALUES "image env copy-to target image-pull-policy custom set-image" }, .operands = 1,
	.late_options = true, .traits = REMOTE,
};
static const struct wrapper_sub kubectl_subs[] = {
	{ "exec rsh", &kubectl_exec }, { "run", &kubectl_run }, { "debug", &kubectl_debug }, { NULL, NULL },
};
static row kubectl = { .options = { .values = "nsv", .long_values = KUBECTL_VALUES "v" }, .subs = kubectl_subs };
static const struct wrapper_sub kubectl_inside_subs[] = { { "kubectl", &kubectl }, { NULL, NULL } };
static row has_kubectl = { .options = { .values = "p", .long_values = "profile" }, .subs = kubectl_inside_subs };
static row crictl_exec = { .options = { .values = "r", .long_values = "timeout transport runtime" }, .operands = 1, .traits = REMOTE };
static const struct wrapper_sub crictl_subs[] = { { "exec", &crictl_exec }, { NULL, NULL } };
static row crictl = { .options = { .values = "rict", .long_values = "runtime-endpoint image-endpoint config timeout" }, .subs = crictl_subs };
static row ctr_exec = { .options = { .long_values = "exec-id cwd user fifo-dir log-uri" }, .operands = 1, .traits = REMOTE };
static row ctr_run = { .options = { .values = "du", .long_values = "snapshotter env env-file label mount user cwd runtime" }, .operands = 2, .traits = REMOTE };
static const struct wrapper_sub ctr_task_subs[] = { { "exec", &ctr_exec }, { NULL, NULL } };
static row ctr_task = { .subs = ctr_task_subs };
static const struct wrapper_sub ctr_subs[] = { { "task tasks t", &ctr_task }, { "run", &ctr_run }, { NULL, NULL } };
static row ctr = { .options = { .values = "na", .long_values = "namespace address timeout" }, .subs = ctr_subs };
static row runc_exec = { .options = { .values = "euagpcd", .long_flags = "tty detach no-new-privs ignore-paused" }, .operands = 1, .traits = REMOTE };
static const struct wrapper_sub runc_subs[] = { { "exec", &runc_exec }, { NULL, NULL } };
static row runc = { .options = { .long_values = "root log log-format criu" }, .subs = runc_subs };
static row lxc_exec = {
	.options = { .values = "TtnI", .long_values = "mode env user group cwd project" }, .operands = 1, .late_options = true, .traits = REMOTE,
};
static const struct wrapper_sub lxc_subs[] = { { "exec", &lxc_exec }, { NULL, NULL } };
static row lxc = { .options = { .long_values = "project" }, .subs = lxc_subs };
static row lxc_attach = {
	.options = { .values = "nPaesRofLu", .long_values = "name lxcpath arch namespaces set-var keep-var uid gid" }, .traits = REMOTE, .shell_alone = true,
};
static row machinectl_shell = { .options = { .values = "E", .long_values = "uid setenv" }, .operands = 1, .traits = REMOTE, .shell_alone = true };
static const struct wrapper_sub machinectl_subs[] = { { "shell", &machinectl_shell }, { NULL, NULL } };
static row machinectl = { .options = { .values = "EMH", .long_values = "uid setenv machine host" }, .subs = machinectl_subs };
static row vagrant_ssh = { .options = { .values = "c", .long_values = "command" }, .operands = 255, .traits = REMOTE, .text_letters = "c", .text_names = "command" };
static const struct wrapper_sub vagrant_subs[] = { { "ssh", &vagrant_ssh }, { NULL, NULL } };
static row vagrant = { .subs = vagrant_subs };
static const struct wrapper_sub gcloud_ssh_subs[] = { { "ssh", &vagrant_ssh }, { NULL, NULL } };
static row gcloud_compute = { .subs = gcloud_ssh_subs };
static const struct wrapper_sub gcloud_subs[] = { { "compute", &gcloud_compute }, { NULL, NULL } };
static row gcloud = { .options = { .long_values = "project account zone" }, .subs = gcloud_subs };
static row adb_shell = { .options = { .values = "te" }, .text = true, .traits = REMOTE, .shell_alone = true };
static const struct wrapper_sub adb_subs[] = { { "shell exec-out", &adb_shell }, { NULL, NULL } };
static row adb = { .options = { .values = "stHP" }, .subs = adb_subs };
static row ssh = { .special = wrapper_ssh };
static row pdsh = { .options = { .values = "wxgGlutfRM" }, .text = true, .traits = REMOTE };
static row pssh = {
	.options = { .values = "hHlpoetOxX", .long_values = "hosts host user par outdir errdir timeout options extra-args extra-arg" }, .text = true, .traits = REMOTE,
};
static row ansible = { .special = wrapper_module, .traits = REMOTE };
static row salt = { .special = wrapper_module, .traits = REMOTE };

/* ---- shells and text */
static row shell = {
	.options = { .values = "oO", .long_values = "rcfile init-file command init-command", .plus = true }, .special = wrapper_shell,
};
static row fish = {
	.options = { .values = "cCodfDp", .long_values = "command init-command features debug debug-output profile" }, .special = wrapper_shell,
};
static row eval_row = { .text = true };
static row source = { .special = wrapper_source };
static row trap = { .special = wrapper_trap };
static row alias = { .special = wrapper_alias };
static row find = { .special = wrapper_find_exec };
static row fd = { .special = wrapper_after_word };
static row parallel = {
	.options = { .values = "jIPaSNnLsdCX", .glued = "i", .long_values = "jobs max-procs arg-file sshlogin sshloginfile delimiter colsep max-args max-lines "
		     "max-replace-args max-chars timeout delay retries joblog results tmpdir workdir wd halt load memfree nice basefile return tagstring env shellquote "
		     "block recstart recend id semaphorename" },
	.special = wrapper_parallel,
};
static row socat = { .options = { .values = "bdtTlLsS" }, .special = wrapper_socat };
static row nc = {
	.options = { .values = "ecgGiopsqwIMmOPTVWXx", .long_values = "exec sh-exec lua-exec proxy proxy-type proxy-auth source source-port wait delay idle-timeout "
		     "max-conns output hex-dump ssl-cert ssl-key ssl-trustfile ssl-servername gateway" },
	.special = wrapper_nc,
};
static row tar = { .special = wrapper_tar };
static row rsync = { .options = { .values = "efTBM", .long_values = "rsh rsync-path exclude include filter files-from temp-dir" }, .text_letters = "e",
		     .text_names = "rsh", .operands = 255 };
static row at = { .special = wrapper_at };
static row gdb = { .special = wrapper_after_word };
static row terminal = { .special = wrapper_terminal };
static row tmux_new = { .options = { .values = "cefFnstxy" }, .text = true };
static row tmux_split = { .options = { .values = "cefFlntpsS" }, .text = true };
static row tmux_run = { .options = { .values = "cdt" }, .text = true };
static row tmux_keys = { .options = { .values = "Nt" }, .special = wrapper_send_keys };
static const struct wrapper_sub tmux_subs[] = {
	{ "new-session new neww new-window popup display-popup", &tmux_new }, { "split-window splitw respawn-pane respawnp respawn-window pipe-pane pipep", &tmux_split },
	{ "run-shell run if-shell if", &tmux_run }, { "send-keys send", &tmux_keys }, { NULL, NULL },
};
static row tmux = { .options = { .values = "cfLST" }, .subs = tmux_subs };
static row screen = { .options = { .values = "cehpsStT" }, .special = wrapper_send_keys };

static const struct {
	const char *name;
	const struct wrapper_program *program;
} names[] = {
	{ ".", &source },
	{ "aa-exec", &aa_exec },
	{ "adb", &adb },
	{ "alias", &alias },
	{ "ansible", &ansible },
	{ "arch-chroot", &chroot_row },
	{ "asdf", &has_exec },
	{ "ash", &shell },
	{ "at", &at },
	{ "autossh", &ssh },
	{ "aws-vault", &exec_name },
	{ "bash", &shell },
	{ "batch", &at },
	{ "buildah", &buildah },
	{ "builtin", &plain },
	{ "bundle", &has_exec },
	{ "busybox", &plain },
	{ "bwrap", &bwrap },
	{ "caffeinate", &caffeinate },
	{ "capsh", &capsh },
	{ "catchsegv", &plain },
	{ "cgexec", &cgexec },
	{ "chamber", &exec_name },
	{ "chpst", &chpst },
	{ "chronic", &plain },
	{ "chroot", &chroot_row },
	{ "chrt", &chrt },
	{ "clush", &pdsh },
	{ "command", &command },
	{ "conda", &conda },
	{ "cpulimit", &cpulimit },
	{ "crictl", &crictl },
	{ "ctr", &ctr },
	{ "daemonize", &plain },
	{ "dash", &shell },
	{ "dbus-run-session", &plain },
	{ "direnv", &direnv },
	{ "doas", &doas },
	{ "docker", &docker },
	{ "docker-compose", &compose },
	{ "doppler", &has_exec },
	{ "dotenv", &plain },
	{ "dumb-init", &plain },
	{ "eatmydata", &plain },
	{ "entr", &entr },
	{ "env", &env },
	{ "envconsul", &plain },
	{ "envdir", &gosu },
	{ "eval", &eval_row },
	{ "exec", &exec_row },
	{ "fakechroot", &fakeroot },
	{ "fakeroot", &fakeroot },
	{ "faketime", &faketime },
	{ "fd", &fd },
	{ "fdfind", &fd },
	{ "find", &find },
	{ "firejail", &firejail },
	{ "fish", &fish },
	{ "flock", &flock },
	{ "gcloud", &gcloud },
	{ "gdb", &gdb },
	{ "genv", &env },
	{ "gfind", &find },
	{ "git", &git },
	{ "gnice", &nice_row },
	{ "gnome-terminal", &terminal },
	{ "gosu", &gosu },
	{ "gtar", &tar },
	{ "gtimeout", &timeout },
	{ "gxargs", &xargs },
	{ "hyperfine", &hyperfine },
	{ "incus", &lxc },
	{ "infisical", &has_exec },
	{ "ionice", &ionice },
	{ "ip", &ip },
	{ "k3s", &has_kubectl },
	{ "konsole", &terminal },
	{ "ksh", &shell },
	{ "ksh93", &shell },
	{ "kubectl", &kubectl },
	{ "kubectl.docker", &kubectl },
	{ "ld-linux-aarch64.so.1", &loader },
	{ "ld-linux-x86-64.so.2", &loader },
	{ "ld-linux.so.2", &loader },
	{ "ld-musl-aarch64.so.1", &loader },
	{ "ld-musl-x86_64.so.1", &loader },
	{ "ld.so", &loader },
	{ "linux32", &plain },
	{ "linux64", &plain },
	{ "lksh", &shell },
	{ "ltrace", &ltrace },
	{ "lxc", &lxc },
	{ "lxc-attach", &lxc_attach },
	{ "machinectl", &machinectl },
	{ "mamba", &conda },
	{ "microk8s", &has_kubectl },
	{ "micromamba", &conda },
	{ "minikube", &has_kubectl },
	{ "mise", &has_exec },
	{ "mksh", &shell },
	{ "mpiexec", &mpirun },
	{ "mpirun", &mpirun },
	{ "nc", &nc },
	{ "nc.openbsd", &nc },
	{ "nc.traditional", &nc },
	{ "ncat", &nc },
	{ "nerdctl", &docker },
	{ "netcat", &nc },
	{ "newgrp", &newgrp },
	{ "nice", &nice_row },
	{ "nix-shell", &nix_shell },
	{ "nohup", &plain },
	{ "npm", &npm },
	{ "npx", &npm_exec },
	{ "nsenter", &nsenter },
	{ "numactl", &numactl },
	{ "nvm", &direnv },
	{ "oc", &kubectl },
	{ "op", &has_exec },
	{ "parallel", &parallel },
	{ "parallel-ssh", &pssh },
	{ "pdsh", &pdsh },
	{ "perf", &perf },
	{ "pgrphack", &plain },
	{ "pipenv", &has_exec },
	{ "pkexec", &pkexec },
	{ "podman", &docker },
	{ "podman-compose", &compose },
	{ "poetry", &has_exec },
	{ "posh", &shell },
	{ "prlimit", &prlimit },
	{ "proot", &proot },
	{ "proxychains", &proxychains },
	{ "proxychains4", &proxychains },
	{ "pssh", &pssh },
	{ "rbash", &shell },
	{ "rbenv", &has_exec },
	{ "retry", &plain },
	{ "rksh", &shell },
	{ "rlwrap", &plain },
	{ "rsh", &ssh },
	{ "rsync", &rsync },
	{ "rtx", &has_exec },
	{ "run0", &run0 },
	{ "runc", &runc },
	{ "runcon", &runcon },
	{ "runuser", &runuser },
	{ "rxvt", &terminal },
	{ "s6-setuidgid", &gosu },
	{ "salt", &salt },
	{ "schroot", &schroot },
	{ "screen", &screen },
	{ "script", &script },
	{ "sem", &parallel },
	{ "setarch", &setarch },
	{ "setlock", &gosu },
	{ "setpriv", &setpriv },
	{ "setsid", &plain },
	{ "setuidgid", &gosu },
	{ "setuser", &gosu },
	{ "sg", &sg },
	{ "sh", &shell },
	{ "socat", &socat },
	{ "softlimit", &softlimit },
	{ "sops", &sops },
	{ "source", &source },
	{ "srun", &srun },
	{ "ssh", &ssh },
	{ "ssh-agent", &plain },
	{ "sshpass", &sshpass },
	{ "start-stop-daemon", &start_stop },
	{ "stdbuf", &stdbuf },
	{ "strace", &strace },
	{ "su", &su },
	{ "su-exec", &gosu },
	{ "sudo", &sudo },
	{ "systemd-cat", &inhibit },
	{ "systemd-inhibit", &inhibit },
	{ "systemd-nspawn", &nspawn },
	{ "systemd-run", &systemd_run },
	{ "tar", &tar },
	{ "taskset", &taskset },
	{ "teller", &has_exec },
	{ "time", &time_row },
	{ "timeout", &timeout },
	{ "tini", &plain },
	{ "tmux", &tmux },
	{ "torify", &torsocks },
	{ "torsocks", &torsocks },
	{ "toybox", &plain },
	{ "trap", &trap },
	{ "unbuffer", &plain },
	{ "unshare", &unshare },
	{ "urxvt", &terminal },
	{ "uv", &has_exec },
	{ "vagrant", &vagrant },
	{ "valgrind", &valgrind },
	{ "watch", &watch },
	{ "with-contenv", &plain },
	{ "x-terminal-emulator", &terminal },
	{ "xargs", &xargs },
	{ "xterm", &terminal },
	{ "xvfb-run", &xvfb },
	{ "yash", &shell },
	{ "zsh", &shell },
};

const struct wrapper_program *wrapper_find(const char *name, size_t len)
{
	size_t low = 0, high = ARRAY_SIZE(names);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = word_order(name, len, names[mid].name);

		if (!order)
			return names[mid].program;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct wrapper_program *wrapper_row_at(size_t i, const char **name)
{
	if (i >= ARRAY_SIZE(names))
		return NULL;
	*name = names[i].name;
	return names[i].program;
}
