/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/judge_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/serve/judge_facts.h"
#include "cmd/serve/judge_frame.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define WORKER_FD 3
#define WORKER_FILES 64
#define WORKER_MEMORY ((rlim_t)2 << 30)		/* of addresses: many times what the largest package needs */
#define QUESTION_BYTES_MAX ((size_t)1 << 30)	/* the service has its own, lower one */
#define KEPT_BYTES (32 << 20)			/* of memory that the next package needs again */
#define CPU_SPARE_SEC 2

struct question {
	const char *name, *source, *format;	/* NULL: none */
	const char *bytes;			/* when there is no source */
	size_t len;
	bool content;
};

struct answer {
	int status;
	const char *failure;			/* static; NULL */
	struct strbuf facts, report, content;
};

int judge_bench_open(struct judge_bench *b, const char *policy, struct error *err)
{
	struct scan_options ours = SCAN_OPTIONS_INIT, registry = { .policy = "registry-compat" };
	struct common_options common = { .color = "never" };

	if (policy)
		ours.policy = policy;
	if (scan_judge_prepare(&b->ours, &ours, &common, err) < 0 || scan_judge_prepare(&b->registry, &registry, &common, err) < 0)
		return -1;
	rules_digest(b->ours.rules, b->rules_digest);
	return 0;
}

void judge_bench_close(struct judge_bench *b)
{
	scan_judge_close(&b->ours);
	scan_judge_close(&b->registry);
}

/* ---- one package */

static const struct {
	const char *format, *type;
} report_types[] = {
	{ "text", "text/plain; charset=utf-8" }, { "json", "application/json" }, { "sarif", "application/sarif+json" },
	{ "junit", "application/xml" },		 { "github", "text/plain; charset=utf-8" }, { "gitlab", "application/json" },
	{ "markdown", "text/markdown; charset=utf-8" },
};

const char *judge_report_type(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(report_types); i++)
		if (!strcmp(report_types[i].format, format))
			return report_types[i].type;
	return NULL;
}

/* The status that `scan` would have, and its report if one is wanted. */
static void tell(const struct judge_bench *b, struct scanned_file *f, const struct question *q, struct answer *a)
{
	struct scan_report r;
	struct scan_sink sink = { .text = STRBUF_INIT(STRBUF_NO_MAX) };

	scan_report_init(&r);
	r.rules = b->ours.rules;
	r.policy = b->ours.policy->name;
	memcpy(r.rules_digest, b->rules_digest, sizeof(r.rules_digest));
	r.fail_on = FAIL_ON_HIGH;
	r.show = SEVERITY_LOW;
	scan_report_add(&r, f);
	a->status = f->unreadable ? f->unreadable : r.invalid ? EXIT_INVALID : r.unacceptable ? EXIT_NOT_ACCEPTABLE : EXIT_OK;
	if (q->format) {
		scan_format_find(q->format)->write(&r, false, &sink);
		scan_sink_flush(&sink, true);
		strbuf_release(&a->report);
		a->report = sink.text;
	}
	scan_report_release(&r);
}

static void put_facts(struct answer *a, json_t *take)
{
	json_write(take, 0, &a->facts);
	json_decref(take);
}

static void judge_opened(struct judge_bench *b, const struct question *q, struct package *p, struct answer *a)
{
	struct decision *ours = NULL, *registry = NULL;
	struct finding_list issues;
	struct scanned_file f;
	struct judged j;

	/* "-": there is no folder beside it in which to look for anything */
	scan_judge_package(&b->ours, "-", p->doc, p->wpk, &p->findings, &ours);
	finding_list_init(&issues, q->name);
	scan_judge_package(&b->registry, "-", p->doc, ours ? p->wpk : NULL, &issues, &registry);
	j = (struct judged){ .name = p->findings.file, .package = p, .valid = ours != NULL, .decision = ours, .issues = &issues, .registry = registry };
	put_facts(a, judge_facts(&j));

	scanned_file_init(&f, p->findings.file);
	f.valid = ours != NULL;
	if (ours) {
		scanned_file_decide(&f, ours);
		f.workflow_id = xstrdup(p->wpk->workflow_id);
	}
	finding_keep_lines(&p->findings, p->doc);
	finding_list_release(&f.findings);
	f.findings = p->findings;	/* lent */
	f.findings.file = f.file;
	tell(b, &f, q, a);
	p->findings = f.findings;
	p->findings.file = j.name;
	finding_list_init(&f.findings, f.file);
	scanned_file_release(&f);
	finding_list_release(&issues);
	decision_free(ours);
	decision_free(registry);
}

static void judge_unreadable(const struct judge_bench *b, const struct question *q, const struct error *err, struct answer *a)
{
	struct scanned_file f;

	put_facts(a, judge_facts_unreadable(q->name, err->text));
	scan_failure(q->name, exit_status_of_error(err), err->text, &f);
	tell(b, &f, q, a);
	scanned_file_release(&f);
}

/* Our own name of the bytes becomes the one that the client knows. */
static void rename_in(char *text, size_t size, const char *path, const char *name)
{
	autofree char *rest = NULL;
	char *at = strstr(text, path);

	if (!at)
		return;
	rest = xstrdup(at + strlen(path));
	snprintf(at, size - (size_t)(at - text), "%s%s", name, rest);
}

static void judge(struct judge_bench *b, const struct question *q, struct answer *a)
{
	struct scratch scratch = SCRATCH_INIT;
	struct error err = { 0 };
	struct package p;
	autofree char *name = NULL;
	autoclose int fd = -1;
	char path[32] = "";

	if (!q->source) {	/* a file without a name: what it turns out to be a bundle must be read from one */
		fd = memfd_create("package", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (fd < 0 || write_all(fd, q->bytes, q->len) < 0) {
			a->failure = "there is no memory for the package";
			return;
		}
	}
	if (package_open_anywhere(q->source ? q->source : path, b->state_dir, &scratch, NULL, &p, &err) < 0) {
		rename_in(err.text, sizeof(err.text), path[0] ? path : "\n", q->name);
		judge_unreadable(b, q, &err, a);
	} else {
		if (!q->source) {
			name = xasprintf("%s%s", q->name, p.findings.file + (strncmp(p.findings.file, path, strlen(path)) ? 0 : strlen(path)));
			p.findings.file = name;
		}
		judge_opened(b, q, &p, a);
		if (q->content)
			strbuf_add(&a->content, p.source.bytes.buf, p.source.bytes.len);
	}
	package_release(&p);
	if (scratch_close(&scratch, &err) < 0)
		a->failure = "what was unpacked could not be removed";
}

/* ---- the process */

static bool read_all(int fd, void *data, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)data + got, len - got);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			return false;
		got += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Texts of a frame have no end of their own; an empty one is none. */
static char *text_of(const struct frame_part *part)
{
	return part->len ? xstrndup(part->data, part->len) : NULL;
}

static void limit(int resource, rlim_t soft)
{
	struct rlimit l;

	if (getrlimit(resource, &l) < 0)
		return;
	l.rlim_cur = soft < l.rlim_max ? soft : l.rlim_max;
	if (setrlimit(resource, &l) < 0) { /* then the service's deadline has to do */ }
}

/* Of the whole process, so it is moved with every package. */
static void limit_cpu(const struct judge_bench *b)
{
	struct rusage used;

	if (getrusage(RUSAGE_SELF, &used) == 0)
		limit(RLIMIT_CPU, (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + b->timeout_ns / NS_PER_SEC + CPU_SPARE_SEC);
}

/* Frames of questions come from us: only their ends are looked after. False: there are no more. */
static bool answer_next(struct judge_bench *b, int fd)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct answer a = { .facts = STRBUF_INIT(STRBUF_NO_MAX), .report = STRBUF_INIT(STRBUF_NO_MAX), .content = STRBUF_INIT(STRBUF_NO_MAX) };
	autofree char *body = NULL;
	autofree char *name = NULL;
	autofree char *source = NULL;
	autofree char *format = NULL;
	struct frame_part parts[FRAME_PARTS];
	struct frame_head head;

	if (!read_all(fd, &head, sizeof(head)) || !frame_head_is_good(&head, QUESTION_BYTES_MAX))
		return false;
	body = xmalloc(frame_len(&head) + 1);
	if (!read_all(fd, body, frame_len(&head)))
		return false;
	limit_cpu(b);
	frame_parts(&head, body, parts);
	name = text_of(&parts[QUESTION_NAME]);
	source = text_of(&parts[QUESTION_SOURCE]);
	format = text_of(&parts[QUESTION_FORMAT]);
	judge(b, &(struct question){ .name = name, .bytes = parts[QUESTION_BYTES].data, .len = parts[QUESTION_BYTES].len, .source = source,
				     .format = format, .content = head.flags & FRAME_CONTENT }, &a);
	if (!a.failure && a.facts.len + a.report.len + a.content.len > ANSWER_BYTES_MAX)
		a.failure = "there is more to say about it than an answer may hold";
	if (a.failure)
		frame_write(&out, FRAME_FAILURE, EXIT_UNAVAILABLE, (struct frame_part[FRAME_PARTS]){ { a.failure, strlen(a.failure) } });
	else
		frame_write(&out, 0, a.status, (struct frame_part[FRAME_PARTS]){ { a.facts.buf, a.facts.len }, { a.report.buf, a.report.len },
										 { a.content.buf, a.content.len } });
	strbuf_release(&a.facts);
	strbuf_release(&a.report);
	strbuf_release(&a.content);
	return write_all(fd, out.buf, out.len) == 0;
}

/* Signals for the service reach its whole group: it decides, and we end with it. */
static void settle_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void settle_limits(void)
{
#if !defined(__SANITIZE_ADDRESS__)
	limit(RLIMIT_AS, WORKER_MEMORY);	/* a sanitizer needs terabytes of addresses */
#endif
	limit(RLIMIT_NOFILE, WORKER_FILES);
	limit(RLIMIT_CORE, 0);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
}

void judge_settle(int *fd, const char *name)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	settle_signals();
	prctl(PR_SET_NAME, name);
	if (*fd != WORKER_FD && dup3(*fd, WORKER_FD, O_CLOEXEC) < 0)
		_exit(EXIT_UNAVAILABLE);
	*fd = WORKER_FD;
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	close_range(WORKER_FD + 1, ~0U, 0);
}

_Noreturn void judge_work(struct judge_bench *b, int fd)
{
	judge_settle(&fd, "judge");
	settle_limits();
	while (answer_next(b, fd)) {}
	_exit(EXIT_OK);
}
