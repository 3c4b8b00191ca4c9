/* SPDX-License-Identifier: Apache-2.0
 * Refused calls: how bad each is, and its arguments in words. See init_observe.h. */
#include "sandboxes/init_observe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runner/base/mem.h"

/* In `words` a percent sign, a letter and the number of an argument stand for: s text, d signed and u unsigned number, x in hex,
 * o in octal, D device number, f file behind a descriptor, N namespaces, A address family, T socket type, P ptrace request, K keyctl operation, B bpf
 * command, I terminal request. Calls that are not here are medium and told without words. */
static const struct row {
	const char *name;
	enum sandbox_severity severity;
	const char *words;
} rows[] = {
	{ "acct", SANDBOX_HIGH, "%s0" },
	{ "add_key", SANDBOX_HIGH, "type %s0, %s1" },
	{ "bpf", SANDBOX_CRITICAL, "%B0" },
	{ "chroot", SANDBOX_HIGH, "%s0" },
	{ "clone", SANDBOX_HIGH, "%N0" },
	{ "delete_module", SANDBOX_CRITICAL, "%s0" },
	{ "finit_module", SANDBOX_CRITICAL, "%f0" },
	{ "fsconfig", SANDBOX_CRITICAL, "%s2" },
	{ "fsmount", SANDBOX_CRITICAL, "" },
	{ "fsopen", SANDBOX_CRITICAL, "%s0" },
	{ "fspick", SANDBOX_CRITICAL, "%s1" },
	{ "get_mempolicy", SANDBOX_LOW, "" },
	{ "init_module", SANDBOX_CRITICAL, "%u1 bytes" },
	{ "io_uring_enter", SANDBOX_LOW, "" },
	{ "io_uring_register", SANDBOX_LOW, "" },
	{ "io_uring_setup", SANDBOX_LOW, "%u0 entries" },
	{ "ioctl", SANDBOX_HIGH, "%I1" },
	{ "ioperm", SANDBOX_HIGH, "ports from %x0" },
	{ "iopl", SANDBOX_HIGH, "level %d0" },
	{ "ioprio_set", SANDBOX_LOW, "who %d0, %d1" },
	{ "kexec_file_load", SANDBOX_CRITICAL, "%f0" },
	{ "kexec_load", SANDBOX_CRITICAL, "" },
	{ "keyctl", SANDBOX_HIGH, "%K0" },
	{ "lookup_dcookie", SANDBOX_LOW, "" },
	{ "mbind", SANDBOX_LOW, "" },
	{ "migrate_pages", SANDBOX_LOW, "process %d0" },
	{ "mknod", SANDBOX_CRITICAL, "%s0, mode %o1, device %D2" },
	{ "mknodat", SANDBOX_CRITICAL, "%s1, mode %o2, device %D3" },
	{ "mount", SANDBOX_CRITICAL, "%s0 on %s1, type %s2, flags %x3" },
	{ "mount_setattr", SANDBOX_CRITICAL, "%s1" },
	{ "move_mount", SANDBOX_CRITICAL, "%s1 to %s3" },
	{ "move_pages", SANDBOX_LOW, "process %d0" },
	{ "nfsservctl", SANDBOX_LOW, "" },
	{ "open_by_handle_at", SANDBOX_CRITICAL, "in %f0" },
	{ "open_tree", SANDBOX_CRITICAL, "%s1" },
	{ "personality", SANDBOX_LOW, "%x0" },
	{ "pidfd_getfd", SANDBOX_HIGH, "descriptor %d1" },
	{ "pivot_root", SANDBOX_CRITICAL, "%s0, %s1" },
	{ "prlimit64", SANDBOX_MEDIUM, "process %d0, limit %u1" },
	{ "process_vm_readv", SANDBOX_HIGH, "process %d0" },
	{ "process_vm_writev", SANDBOX_HIGH, "process %d0" },
	{ "ptrace", SANDBOX_HIGH, "%P0, process %d1" },
	{ "quotactl", SANDBOX_MEDIUM, "%s1" },
	{ "reboot", SANDBOX_CRITICAL, "%x2" },
	{ "request_key", SANDBOX_HIGH, "type %s0, %s1" },
	{ "sched_setaffinity", SANDBOX_MEDIUM, "process %d0" },
	{ "sched_setattr", SANDBOX_MEDIUM, "process %d0" },
	{ "sched_setparam", SANDBOX_MEDIUM, "process %d0" },
	{ "sched_setscheduler", SANDBOX_MEDIUM, "process %d0" },
	{ "set_mempolicy", SANDBOX_LOW, "" },
	{ "setdomainname", SANDBOX_MEDIUM, "%s0" },
	{ "sethostname", SANDBOX_MEDIUM, "%s0" },
	{ "setns", SANDBOX_CRITICAL, "%f0 %N1" },
	{ "setpriority", SANDBOX_LOW, "who %d0, %d1" },
	{ "socket", SANDBOX_LOW, "%A0, %T1, protocol %d2" },
	{ "socketpair", SANDBOX_LOW, "%A0, %T1, protocol %d2" },
	{ "swapoff", SANDBOX_CRITICAL, "%s0" },
	{ "swapon", SANDBOX_CRITICAL, "%s0" },
	{ "syslog", SANDBOX_MEDIUM, "type %d0" },
	{ "umount2", SANDBOX_CRITICAL, "%s0" },
	{ "unshare", SANDBOX_HIGH, "%N0" },
};

struct word {
	uint64_t value;
	const char *name;
};

static const struct word namespaces[] = {
	{ CLONE_NEWNS, "CLONE_NEWNS" }, { CLONE_NEWCGROUP, "CLONE_NEWCGROUP" }, { CLONE_NEWUTS, "CLONE_NEWUTS" },
	{ CLONE_NEWIPC, "CLONE_NEWIPC" }, { CLONE_NEWUSER, "CLONE_NEWUSER" }, { CLONE_NEWPID, "CLONE_NEWPID" },
	{ CLONE_NEWNET, "CLONE_NEWNET" }, { 0x80 /* not a signal's, as in clone */, "CLONE_NEWTIME" },
};
static const struct word families[] = {
	{ AF_UNSPEC, "AF_UNSPEC" }, { AF_UNIX, "AF_UNIX" }, { AF_INET, "AF_INET" }, { AF_INET6, "AF_INET6" },
	{ AF_NETLINK, "AF_NETLINK" }, { AF_PACKET, "AF_PACKET" }, { AF_ALG, "AF_ALG" }, { AF_VSOCK, "AF_VSOCK" },
	{ AF_KEY, "AF_KEY" }, { AF_BLUETOOTH, "AF_BLUETOOTH" }, { AF_CAN, "AF_CAN" }, { AF_TIPC, "AF_TIPC" },
	{ AF_RDS, "AF_RDS" }, { AF_XDP, "AF_XDP" }, { AF_SMC, "AF_SMC" }, { AF_NFC, "AF_NFC" }, { AF_LLC, "AF_LLC" },
	{ AF_RXRPC, "AF_RXRPC" }, { AF_KCM, "AF_KCM" }, { AF_QIPCRTR, "AF_QIPCRTR" },
};
static const struct word types[] = {
	{ SOCK_STREAM, "SOCK_STREAM" }, { SOCK_DGRAM, "SOCK_DGRAM" }, { SOCK_RAW, "SOCK_RAW" }, { SOCK_RDM, "SOCK_RDM" },
	{ SOCK_SEQPACKET, "SOCK_SEQPACKET" }, { SOCK_DCCP, "SOCK_DCCP" }, { SOCK_PACKET, "SOCK_PACKET" },
};
static const struct word ptraces[] = {
	{ 0, "PTRACE_TRACEME" }, { 1, "PTRACE_PEEKTEXT" }, { 2, "PTRACE_PEEKDATA" }, { 4, "PTRACE_POKETEXT" },
	{ 5, "PTRACE_POKEDATA" }, { 16, "PTRACE_ATTACH" }, { 0x4206, "PTRACE_SEIZE" }, { 0x420d, "PTRACE_SECCOMP_GET_METADATA" },
};
static const struct word keyctls[] = {
	{ 0, "KEYCTL_GET_KEYRING_ID" }, { 1, "KEYCTL_JOIN_SESSION_KEYRING" }, { 2, "KEYCTL_UPDATE" }, { 3, "KEYCTL_REVOKE" },
	{ 5, "KEYCTL_SETPERM" }, { 6, "KEYCTL_DESCRIBE" }, { 8, "KEYCTL_LINK" }, { 10, "KEYCTL_SEARCH" }, { 11, "KEYCTL_READ" },
	{ 12, "KEYCTL_INSTANTIATE" },
};
static const struct word bpfs[] = {
	{ 0, "BPF_MAP_CREATE" }, { 1, "BPF_MAP_LOOKUP_ELEM" }, { 2, "BPF_MAP_UPDATE_ELEM" }, { 5, "BPF_PROG_LOAD" },
	{ 6, "BPF_OBJ_PIN" }, { 7, "BPF_OBJ_GET" }, { 8, "BPF_PROG_ATTACH" }, { 18, "BPF_BTF_LOAD" }, { 28, "BPF_LINK_CREATE" },
};
static const struct word terminals[] = { { TIOCSTI, "TIOCSTI" }, { TIOCLINUX, "TIOCLINUX" } };

static const struct {
	char letter;
	bool flags;		/* several at once */
	const struct word *words;
	size_t len;
} vocabularies[] = {
	{ 'N', true, namespaces, ARRAY_SIZE(namespaces) }, { 'A', false, families, ARRAY_SIZE(families) },
	{ 'T', false, types, ARRAY_SIZE(types) }, { 'P', false, ptraces, ARRAY_SIZE(ptraces) },
	{ 'K', false, keyctls, ARRAY_SIZE(keyctls) }, { 'B', false, bpfs, ARRAY_SIZE(bpfs) },
	{ 'I', false, terminals, ARRAY_SIZE(terminals) },
};

static void add_word(struct strbuf *out, char letter, uint64_t value)
{
	size_t before = out->len;

	for (size_t v = 0; v < ARRAY_SIZE(vocabularies); v++) {
		if (vocabularies[v].letter != letter)
			continue;
		for (size_t i = 0; i < vocabularies[v].len; i++) {
			const struct word *w = &vocabularies[v].words[i];

			if (vocabularies[v].flags ? (value & w->value) != 0 : (uint32_t)value == w->value)
				strbuf_addf(out, "%s%s", out->len > before ? "|" : "", w->name);
		}
	}
	if (out->len == before)
		strbuf_addf(out, "%u", (unsigned int)value);
}

static void add_text(struct strbuf *out, struct caller *c, uint64_t at)
{
	char text[1024];

	if (at == 0)
		strbuf_addstr(out, "nothing");
	else if (caller_text(c, at, text, sizeof(text)))
		strbuf_addstr(out, text);
	else
		strbuf_addch(out, '?');
}

static void add_argument(struct strbuf *out, struct caller *c, char letter, uint64_t value)
{
	char link[PATH_MAX];

	switch (letter) {
	case 's':
		add_text(out, c, value);
		break;
	case 'd':
		strbuf_addf(out, "%d", (int)value);
		break;
	case 'u':
		strbuf_addf(out, "%u", (unsigned int)value);
		break;
	case 'x':
		strbuf_addf(out, "0x%llx", (unsigned long long)value);
		break;
	case 'o':
		strbuf_addf(out, "0%o", (unsigned int)value);
		break;
	case 'D':
		strbuf_addf(out, "%u:%u", major(value), minor(value));
		break;
	case 'f':
		strbuf_addstr(out, (int)value != AT_FDCWD && caller_link(c, (int)value, link) ? link : "?");
		break;
	default:
		if (letter == 'T')	/* without SOCK_CLOEXEC and SOCK_NONBLOCK */
			value &= 0xf;
		if (c->data->nr == SYS_clone)	/* without the signal at its end */
			value &= ~UINT64_C(0xff);
		add_word(out, letter, value);
	}
}

static void put_into_words(struct strbuf *out, struct caller *c, const char *words)
{
	for (; *words; words++) {
		if (words[0] == '%' && words[1] && isdigit((unsigned char)words[2])) {
			add_argument(out, c, words[1], c->data->args[words[2] - '0']);
			words += 2;
		} else {
			strbuf_addch(out, *words);
		}
	}
}

/* Sockets: most families that are refused are nobody's, some lead out. */
static enum sandbox_severity socket_severity(const struct seccomp_data *data)
{
	const unsigned int family = (unsigned int)data->args[0], type = data->args[1] & 0xf;

	return family == AF_VSOCK || family == AF_PACKET || family == AF_ALG || family == AF_KEY || family == AF_XDP ||
	       type == SOCK_RAW || type == SOCK_PACKET ? family == AF_NETLINK ? SANDBOX_LOW : SANDBOX_HIGH : SANDBOX_LOW;
}

/* Device nodes are refused, other kinds of files that there are not do not exist. */
static int node_error(uint64_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode) ? EPERM : ENOSYS;
}

static int compare_rows(const void *name, const void *row)
{
	return strcmp(name, ((const struct row *)row)->name);
}

int observe_refused(struct caller *c)
{
	autostrbuf struct strbuf detail = STRBUF_INIT(4000);
	struct sandbox_event e = { .kind = SANDBOX_EVENT_CALL, .severity = SANDBOX_MEDIUM, .value = ENOSYS };
	const struct row *row;
	char number[16];

	snprintf(number, sizeof(number), "%d", c->data->nr);
	e.subject = number;
	for (size_t i = 0; i < lockdown_calls_len; i++) {
		if (lockdown_calls[i].nr == c->data->nr) {
			e.subject = lockdown_calls[i].name;
			e.value = lockdown_calls[i].error;
			break;
		}
	}
	if (c->data->nr == SYS_mknodat)
		e.value = node_error(c->data->args[2]);
#ifdef SYS_mknod
	if (c->data->nr == SYS_mknod)
		e.value = node_error(c->data->args[1]);
#endif
	row = bsearch(e.subject, rows, ARRAY_SIZE(rows), sizeof(rows[0]), compare_rows);
	if (row) {
		e.severity = row->severity;
		put_into_words(&detail, c, row->words);
	}
	if (c->data->nr == SYS_socket)
		e.severity = socket_severity(c->data);
	e.detail = detail.buf;
	observer_tell(c->init, c, &e);
	return e.value;
}
