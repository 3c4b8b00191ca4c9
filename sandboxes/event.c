/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/event.h"

#include <string.h>

/* Texts follow, each with its NUL. */
struct packed {
	uint64_t time_ns, count;
	uint32_t pid, parent;
	int32_t value;
	uint16_t subject_len, detail_len;
	uint8_t program_len, kind, severity, allowed;
};
_Static_assert(sizeof(struct packed) <= 64, "EVENT_BYTES_MAX");

static size_t bounded(const char *text, size_t max)
{
	return text ? strnlen(text, max) : 0;
}

void event_pack(struct strbuf *out, const struct sandbox_event *event)
{
	struct packed p = { 0 };	/* padding, too, leaves this process */

	p.time_ns = event->time_ns;
	p.count = event->count;
	p.pid = event->pid;
	p.parent = event->parent;
	p.value = event->value;
	p.kind = (uint8_t)event->kind;
	p.severity = (uint8_t)event->severity;
	p.allowed = event->allowed;
	p.program_len = (uint8_t)bounded(event->program, EVENT_PROGRAM_MAX);
	p.subject_len = (uint16_t)bounded(event->subject, EVENT_TEXT_MAX);
	p.detail_len = (uint16_t)bounded(event->detail, EVENT_TEXT_MAX);
	strbuf_add(out, &p, sizeof(p));
	strbuf_add(out, event->program, p.program_len);
	strbuf_add(out, "", 1);
	strbuf_add(out, event->subject, p.subject_len);
	strbuf_add(out, "", 1);
	strbuf_add(out, event->detail, p.detail_len);
	strbuf_add(out, "", 1);
}

/* A text of exactly `len` bytes and its NUL. */
static const char *take(const char **data, size_t *left, size_t len)
{
	const char *text = *data;

	if (*left <= len || strnlen(text, len + 1) != len)
		return NULL;
	*data += len + 1;
	*left -= len + 1;
	return text;
}

bool event_unpack(const char **data, size_t *len, struct sandbox_event *ret)
{
	const char *at = *data;
	size_t left = *len;
	struct packed p;

	if (left < sizeof(p))
		return false;
	memcpy(&p, at, sizeof(p));
	at += sizeof(p);
	left -= sizeof(p);
	if (p.kind >= SANDBOX_EVENT_KINDS || p.severity > SANDBOX_CRITICAL || p.allowed > 1 || p.program_len > EVENT_PROGRAM_MAX ||
	    p.subject_len > EVENT_TEXT_MAX || p.detail_len > EVENT_TEXT_MAX || p.count == 0)
		return false;
	*ret = (struct sandbox_event){
		.kind = (enum sandbox_event_kind)p.kind, .severity = (enum sandbox_severity)p.severity, .allowed = p.allowed,
		.time_ns = p.time_ns, .pid = p.pid, .parent = p.parent, .value = p.value, .count = p.count,
	};
	ret->program = take(&at, &left, p.program_len);
	ret->subject = ret->program ? take(&at, &left, p.subject_len) : NULL;
	ret->detail = ret->subject ? take(&at, &left, p.detail_len) : NULL;
	if (!ret->detail)
		return false;
	*data = at;
	*len = left;
	return true;
}
