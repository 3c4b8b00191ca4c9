/* SPDX-License-Identifier: Apache-2.0
 * kube_watch: the stream of a watch says the same at whatever places it is cut; lists and refusals are read or refused. The first byte
 * chooses: 'l' is a list, 's' the answer to a call that failed, 'p' that of a credential plugin, anything else a stream. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/printable.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool note(void *arg, const char *type, json_t *object)
{
	struct strbuf *heard = arg;

	check(type && json_is_object(object));
	strbuf_addch(heard, *type);
	return heard->len < 50;
}

static bool note_item(void *arg, json_t *item)
{
	return note(arg, "I", item);
}

static void run_stream(const char *text, size_t len, size_t piece, struct strbuf *heard, enum kube_stream_end *end)
{
	struct kube_stream s;

	kube_stream_init(&s, note, heard);
	for (size_t i = 0; i < len && s.end == KUBE_STREAM_GOES_ON; i += piece)
		kube_stream_feed(&s, text + i, piece < len - i ? piece : len - i);
	check(s.end != KUBE_STREAM_FAILED || s.failure.status);
	*end = s.end;
	kube_stream_release(&s);
}

static void check_stream(const char *text, size_t len)
{
	autostrbuf struct strbuf whole = STRBUF_INIT(100), cut = STRBUF_INIT(100);
	enum kube_stream_end end, cut_end;

	run_stream(text, len, len ? len : 1, &whole, &end);
	run_stream(text, len, 3, &cut, &cut_end);
	check(end == cut_end && !strcmp(whole.buf, cut.buf));
}

static void check_failure(const char *text, size_t len)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct kube_failure f;

	kube_failure_read(&f, len ? 400 + (unsigned char)text[0] : 500, text, len);
	kube_failure_sentence(&f, &out);
	check(out.len && !strpbrk(out.buf, "\n\x1b"));
}

static void check_list(const char *text, size_t len)
{
	autostrbuf struct strbuf heard = STRBUF_INIT(100);
	json_auto_t *metadata = NULL;
	struct error err = { .code = ERR_OK };
	bool ended;

	if (kube_list_read(text, len, note_item, &heard, &ended, &metadata, &err) < 0)
		check(err.code == ERR_REMOTE && !metadata);
	else
		check(ended == (heard.len == 50));
}

static void check_plugin(const char *text, size_t len)
{
	struct kube_credentials c = { 0 };
	struct error err = { .code = ERR_OK };

	if (kube_plugin_answer(text, len, "client.authentication.k8s.io/v1", &c, &err) < 0)
		check(err.code != ERR_OK && !c.token && !c.known);
	else
		check((c.token || c.cert_pem) && !c.cert_pem == !c.key_pem);
	kube_credentials_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data + 1 : "";
	const size_t len = size ? size - 1 : 0;

	switch (size ? data[0] : 0) {
	case 'l':
		check_list(text, len);
		break;
	case 's':
		check_failure(text, len);
		break;
	case 'p':
		check_plugin(text, len);
		break;
	default:
		check_stream(text, len);
	}
	return 0;
}
