/* SPDX-License-Identifier: Apache-2.0
 * Functions and methods that give values: decoders, joins, slices. One row a name; the names are sorted. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_embedded.h"
#include "validators/shell/knowledge_option.h"

enum code_operation {
	OP_SAME,	/* decode("utf-8"), strip(), str(): the text stays, or the first argument */
	OP_TRIM, OP_CHAR, OP_JOIN, OP_BASE64, OP_BASE32, OP_HEX, OP_ROT13, OP_PERCENT, OP_REVERSE, OP_REPLACE, OP_SPLIT, OP_LOWER, OP_UPPER,
	OP_CODEC,	/* codecs.decode(x, "rot13"), Buffer.from(x, "base64") */
	OP_PACK,	/* pack("H*", x), ["x"].pack("H*"), unpack */
	OP_OPAQUE,	/* decompresses, decrypts */
	OP_PATH,	/* joined with slashes */
	OP_VARIABLE,	/* of the environment */
	OP_MAP,		/* map(chr, items), map { chr } items */
	OP_ATTRIBUTE,	/* getattr(os, "system") */
	OP_MODULE,	/* require("x"), __import__("x") */
	OP_LIST,	/* list(x), [].concat */
	OP_CONCAT, OP_FORMAT, OP_SUBSTRING,
	OP_GLOB,	/* paths: a list of the pattern */
	OP_BELOW,	/* what is in a folder */
	OP_ORD,
};

static const struct {
	const char *name;
	enum code_operation operation;
} functions[] = {
	{ "Path", OP_PATH }, { "PosixPath", OP_PATH }, { "PurePath", OP_PATH }, { "__import__", OP_MODULE },
	{ "atob", OP_BASE64 }, { "b16decode", OP_HEX }, { "b32decode", OP_BASE32 }, { "b64decode", OP_BASE64 },
	{ "base64_decode", OP_BASE64 }, { "byte", OP_SAME }, { "bytearray", OP_CHAR }, { "bytes", OP_CHAR },
	{ "char", OP_CHAR }, { "charCodeAt", OP_ORD }, { "chars", OP_SPLIT }, { "children", OP_BELOW },
	{ "chomp", OP_TRIM }, { "chr", OP_CHAR }, { "codePointAt", OP_ORD }, { "compile", OP_SAME },
	{ "concat", OP_CONCAT }, { "decode", OP_CODEC }, { "decode64", OP_BASE64 }, { "decodeURI", OP_PERCENT },
	{ "decodeURIComponent", OP_PERCENT }, { "decode_base64", OP_BASE64 }, { "decodebytes", OP_BASE64 },
	{ "decodestring", OP_BASE64 }, { "decompress", OP_OPAQUE }, { "decrypt", OP_OPAQUE }, { "encode", OP_SAME },
	{ "escapeshellarg", OP_SAME }, { "escapeshellcmd", OP_SAME }, { "expanduser", OP_SAME }, { "explode", OP_SPLIT },
	{ "file", OP_SAME }, { "format", OP_FORMAT }, { "freeze", OP_SAME }, { "from", OP_CODEC },
	{ "fromCharCode", OP_CHAR }, { "fromCodePoint", OP_CHAR }, { "fromhex", OP_HEX }, { "getattr", OP_ATTRIBUTE },
	{ "getenv", OP_VARIABLE }, { "glob", OP_GLOB }, { "gsub", OP_REPLACE }, { "gunzip", OP_OPAQUE },
	{ "gunzipSync", OP_OPAQUE }, { "gzdecode", OP_OPAQUE }, { "gzinflate", OP_OPAQUE }, { "gzuncompress", OP_OPAQUE },
	{ "hex2bin", OP_HEX }, { "iglob", OP_GLOB }, { "implode", OP_JOIN }, { "import_module", OP_MODULE },
	{ "inet_aton", OP_SAME }, { "inflate", OP_OPAQUE }, { "inflateSync", OP_OPAQUE }, { "iterdir", OP_BELOW },
	{ "join", OP_JOIN }, { "lc", OP_LOWER }, { "list", OP_LIST }, { "listdir", OP_BELOW }, { "loads", OP_OPAQUE },
	{ "lower", OP_LOWER }, { "lstrip", OP_TRIM }, { "map", OP_MAP }, { "ord", OP_ORD }, { "pack", OP_PACK },
	{ "quote", OP_SAME }, { "rawurldecode", OP_PERCENT }, { "readdirSync", OP_BELOW }, { "replace", OP_REPLACE },
	{ "require", OP_MODULE }, { "resolve", OP_PATH }, { "reverse", OP_REVERSE }, { "reversed", OP_REVERSE },
	{ "rglob", OP_BELOW }, { "rstrip", OP_TRIM }, { "scandir", OP_BELOW }, { "slice", OP_SUBSTRING },
	{ "split", OP_SPLIT }, { "sprintf", OP_FORMAT }, { "standard_b64decode", OP_BASE64 }, { "str", OP_SAME },
	{ "str_replace", OP_REPLACE }, { "str_rot13", OP_ROT13 }, { "strict_decode64", OP_BASE64 }, { "strip", OP_TRIM },
	{ "strrev", OP_REVERSE }, { "substr", OP_SUBSTRING }, { "substring", OP_SUBSTRING }, { "swapcase", OP_OPAQUE },
	{ "toLowerCase", OP_LOWER }, { "toString", OP_SAME }, { "toUpperCase", OP_UPPER }, { "to_s", OP_SAME },
	{ "trim", OP_TRIM }, { "uc", OP_UPPER }, { "uncompress", OP_OPAQUE }, { "unescape", OP_PERCENT },
	{ "unhexlify", OP_HEX }, { "unpack", OP_PACK }, { "unpack1", OP_PACK }, { "unquote", OP_PERCENT },
	{ "upper", OP_UPPER }, { "urldecode", OP_PERCENT }, { "urlsafe_b64decode", OP_BASE64 },
	{ "urlsafe_decode64", OP_BASE64 },
};

static struct code_value opaque(unsigned int origin)
{
	return (struct code_value){ .text = "", .origin = origin };
}

static struct code_value finish(struct text_out *out, bool known, unsigned int origin)
{
	struct code_value v = { .kind = CODE_TEXT, .known = known && !out->cut, .origin = origin };

	v.text = out_text(out, &v.len);
	return v;
}

/* What is worked on: the receiver when it is a value, else the first argument. */
static const struct code_value *subject(const struct code_value *receiver, const struct code_arguments *args, size_t *ret_next)
{
	*ret_next = 0;
	if (receiver && receiver->kind != CODE_NAME && receiver->kind != CODE_UNKNOWN)
		return receiver;
	*ret_next = 1;
	return args->len ? &args->items[0] : NULL;
}

static struct code_value decoded(struct code_scan *s, const struct code_value *v, bool (*decode)(struct text_out *out, const char *text, size_t len))
{
	struct text_out out;

	if (v->kind != CODE_TEXT || !v->known)
		return opaque(v->origin | ORIGIN_DECODED);
	out = out_init(s->arena, v->len);
	if (!decode(&out, v->text, v->len))
		return opaque(v->origin | ORIGIN_DECODED);
	return finish(&out, true, v->origin | ORIGIN_DECODED);
}

static bool decode_rot13_text(struct text_out *out, const char *text, size_t len)
{
	decode_rot13(out, text, len);
	return true;
}

static bool decode_percent_text(struct text_out *out, const char *text, size_t len)
{
	decode_percent(out, text, len);
	return true;
}

static struct code_value characters(struct code_scan *s, const struct code_value *v)
{
	struct text_out out = out_init(s->arena, 16);
	bool known = true;

	if (v->kind == CODE_TEXT)
		return *v;
	if (v->kind == CODE_NUMBER)
		out_add_utf8(&out, (unsigned long)v->number);
	for (size_t i = 0; v->kind == CODE_LIST && i < v->items_len; i++) {
		if (v->items[i].kind == CODE_NUMBER)
			out_add_utf8(&out, (unsigned long)v->items[i].number);
		else
			known = false;
	}
	if ((v->kind != CODE_NUMBER && v->kind != CODE_LIST) || !known)
		return opaque(v->origin | ORIGIN_ASSEMBLED);
	return finish(&out, true, v->origin | ORIGIN_ASSEMBLED | ORIGIN_DECODED);
}

static struct code_value joined(struct code_scan *s, const struct code_value *list, const char *separator, size_t len)
{
	struct text_out out = out_init(s->arena, 32);
	unsigned int origin = list->origin | ORIGIN_ASSEMBLED;
	bool known = true;

	if (list->kind == CODE_TEXT)
		return *list;
	if (list->kind != CODE_LIST)
		return opaque(origin);
	for (size_t i = 0; i < list->items_len; i++) {
		struct code_value text = code_to_text(s, &list->items[i]);

		if (i)
			out_add(&out, separator, len);
		out_add(&out, text.text, text.len);
		known &= text.known;
		origin |= text.origin;
	}
	return finish(&out, known, origin);
}

static struct code_value reversed(struct code_scan *s, const struct code_value *v)
{
	struct text_out out;
	struct code_value r = *v;

	if (v->kind == CODE_LIST) {
		struct code_value *items = arena_alloc(s->arena, (v->items_len + 1) * sizeof(*items));

		for (size_t i = 0; i < v->items_len; i++)
			items[i] = v->items[v->items_len - 1 - i];
		r.items = items;
		r.origin |= ORIGIN_DECODED | ORIGIN_ASSEMBLED;
		return r;
	}
	if (v->kind != CODE_TEXT || !v->known)
		return opaque(v->origin | ORIGIN_DECODED);
	out = out_init(s->arena, v->len);
	for (size_t i = v->len; i > 0; i--)
		out_addch(&out, v->text[i - 1]);
	return finish(&out, true, v->origin | ORIGIN_DECODED | ORIGIN_ASSEMBLED);
}

static struct code_value replaced(struct code_scan *s, const struct code_value *v, const struct code_value *from, const struct code_value *to)
{
	struct text_out out = out_init(s->arena, v->len);

	if (v->kind != CODE_TEXT || from->kind != CODE_TEXT || to->kind != CODE_TEXT || !from->len)
		return opaque(v->origin | ORIGIN_ASSEMBLED);
	for (size_t at = 0; at < v->len;) {
		const char *hit = memmem(v->text + at, v->len - at, from->text, from->len);

		out_add(&out, v->text + at, hit ? (size_t)(hit - v->text) - at : v->len - at);
		if (!hit)
			break;
		out_add(&out, to->text, to->len);
		at = (size_t)(hit - v->text) + from->len;
	}
	return finish(&out, v->known && from->known && to->known, v->origin | ORIGIN_ASSEMBLED);
}

static struct code_value split(struct code_scan *s, const struct code_value *v, const struct code_value *separator)
{
	struct code_value *items = NULL;
	const char *by = separator && separator->kind == CODE_TEXT ? separator->text : " ";
	size_t by_len = separator && separator->kind == CODE_TEXT ? separator->len : 1, n = 0;

	if (v->kind != CODE_TEXT)
		return opaque(v->origin);
	for (size_t at = 0; at <= v->len && n < CODE_MAX_ITEMS;) {
		const char *hit = by_len ? memmem(v->text + at, v->len - at, by, by_len) : v->text + at + 1;
		size_t len = hit && hit <= v->text + v->len ? (size_t)(hit - v->text) - at : v->len - at;

		if (!by_len && at == v->len)
			break;
		if (len || by_len != 1 || by[0] != ' ') {
			items = arena_append(s->arena, items, n, sizeof(*items));
			items[n++] = code_text(s, v->text + at, len, v->known, v->origin);
		}
		at += len + by_len;
		if (!hit)
			break;
	}
	return (struct code_value){ .kind = CODE_LIST, .items = items, .items_len = n, .text = "" };
}

static struct code_value recased(struct code_scan *s, const struct code_value *v, bool upper)
{
	struct code_value r = *v;
	char *text;

	if (v->kind != CODE_TEXT)
		return opaque(v->origin);
	text = arena_strndup(s->arena, v->text, v->len);
	for (size_t i = 0; i < v->len; i++)
		text[i] = (char)(upper ? toupper((unsigned char)text[i]) : tolower((unsigned char)text[i]));
	r.text = text;
	return r;
}

static struct code_value trimmed(struct code_scan *s, const struct code_value *v)
{
	size_t from = 0, len = v->len;

	if (v->kind != CODE_TEXT)
		return *v;
	while (from < len && isspace((unsigned char)v->text[from]))
		from++;
	while (len > from && isspace((unsigned char)v->text[len - 1]))
		len--;
	return code_text(s, v->text + from, len - from, v->known, v->origin);
}

static struct code_value by_codec(struct code_scan *s, const struct code_value *v, const struct code_value *codec)
{
	const char *name = codec && codec->kind == CODE_TEXT ? codec->text : "";

	if (v->kind == CODE_LIST)
		return characters(s, v);
	if (strstr(name, "rot"))
		return decoded(s, v, decode_rot13_text);
	if (strstr(name, "base64"))
		return decoded(s, v, decode_base64);
	if (strstr(name, "hex"))
		return decoded(s, v, decode_hex);
	if (strstr(name, "zip") || strstr(name, "zlib") || strstr(name, "bz2"))
		return opaque(v->origin | ORIGIN_DECODED);
	return *v;
}

/* pack("H*", text), [text].pack("H*"), text.unpack("m"), pack("c*", numbers) */
static struct code_value packed(struct code_scan *s, const struct code_value *receiver, const struct code_arguments *args)
{
	bool method = receiver && (receiver->kind == CODE_LIST || receiver->kind == CODE_TEXT);
	const struct code_value *format = args->len ? &args->items[0] : NULL;
	const struct code_value *v = method ? receiver : args->len > 1 ? &args->items[1] : NULL;
	struct code_value rest = { .kind = CODE_LIST, .text = "" };

	if (!format || !v || format->kind != CODE_TEXT)
		return opaque(ORIGIN_DECODED);
	if (strchr("cCUW", format->text[0]) && format->text[0]) {
		if (method || v->kind == CODE_LIST)
			return characters(s, v);
		rest.items = &args->items[1];
		rest.items_len = args->len - 1;
		return characters(s, &rest);
	}
	if (v->kind == CODE_LIST && v->items_len)
		v = &v->items[0];
	if (format->text[0] == 'H')
		return decoded(s, v, decode_hex);
	if (format->text[0] == 'm')
		return decoded(s, v, decode_base64);
	return opaque(v->origin | ORIGIN_DECODED);
}

static struct code_value path_of(struct code_scan *s, const struct code_arguments *args)
{
	struct text_out out = out_init(s->arena, 32);
	unsigned int origin = 0;
	bool known = true;

	for (size_t i = 0; i < args->len; i++) {
		struct code_value text = code_to_text(s, &args->items[i]);

		if (text.len && text.text[0] == '/')
			out.len = 0;
		if (out.len && out.text[out.len - 1] != '/')
			out_addch(&out, '/');
		out_add(&out, text.text, text.len);
		known &= text.known;
		origin |= text.origin;
	}
	return finish(&out, known, origin);
}

static struct code_value attribute(struct code_scan *s, const struct code_arguments *args)
{
	struct text_out out;
	struct code_value v;

	if (args->len < 2 || args->items[0].kind != CODE_NAME || args->items[1].kind != CODE_TEXT)
		return opaque(0);
	out = out_init(s->arena, args->items[0].len + args->items[1].len + 1);
	out_add(&out, args->items[0].text, args->items[0].len);
	out_addch(&out, '.');
	out_add(&out, args->items[1].text, args->items[1].len);
	v = finish(&out, true, ORIGIN_ASSEMBLED);
	v.kind = CODE_NAME;
	return v;
}

static struct code_value variable_of(struct code_scan *s, const struct code_arguments *args)
{
	struct code_value name = args->len ? args->items[0] : opaque(0);

	if (name.kind != CODE_TEXT)
		return opaque(ORIGIN_INPUT);
	name.kind = CODE_NAME;
	name = code_to_text(s, &name);
	name.origin |= ORIGIN_INPUT;
	return name;
}

static struct code_value formatted(struct code_scan *s, const struct code_value *v, const struct code_arguments *args)
{
	struct text_out out = out_init(s->arena, v->len);
	bool known = v->known;
	size_t n = 0;

	if (v->kind != CODE_TEXT)
		return opaque(v->origin);
	for (size_t i = 0; i < v->len; i++) {
		const char *end = v->text[i] == '{' ? memchr(v->text + i, '}', v->len - i) : NULL;
		size_t index = n;
		struct code_value text;

		if (!end || end - v->text - (long)i > 30) {
			out_addch(&out, v->text[i]);
			continue;
		}
		if (isdigit((unsigned char)v->text[i + 1]))
			index = (size_t)(v->text[i + 1] - '0');
		n++;
		text = index < args->len ? code_to_text(s, &args->items[index]) : code_to_text(s, &(struct code_value){ .text = "" });
		out_add(&out, text.text, text.len);
		known &= text.known;
		i = (size_t)(end - v->text);
	}
	return finish(&out, known, v->origin | ORIGIN_ASSEMBLED);
}

static struct code_value substring(struct code_scan *s, const struct code_value *v, const struct code_arguments *args, size_t next, bool by_length)
{
	long from = args->len > next ? args->items[next].number : 0, len = (long)v->len, to = len;

	from = from < 0 ? from + len : from;
	if (v->kind != CODE_TEXT || !v->known || from < 0 || from > len)
		return opaque(v->origin | ORIGIN_ASSEMBLED);
	if (args->len > next + 1 && args->items[next + 1].number < len)
		to = by_length ? from + args->items[next + 1].number : args->items[next + 1].number;
	to = to < 0 ? to + len : to > len ? len : to;
	if (to < from)
		return opaque(v->origin | ORIGIN_ASSEMBLED);
	return code_text(s, v->text + from, (size_t)(to - from), true, v->origin | ORIGIN_ASSEMBLED);
}

/* map(chr, items), and what perl writes map { chr } items: the block was skipped */
static struct code_value mapped(struct code_scan *s, const struct code_value *receiver, const struct code_arguments *args)
{
	const struct code_value *list = receiver && receiver->kind == CODE_LIST ? receiver : args->len ? &args->items[args->len - 1] : NULL;

	if (!list || list->kind != CODE_LIST)
		return opaque(ORIGIN_ASSEMBLED);
	return characters(s, list);
}

/* "/etc" becomes a list of "/etc/∗"; names without their folder (os.listdir) are as good as those with it. */
static struct code_value below(struct code_scan *s, const struct code_value *v)
{
	static const struct code_value star = { .kind = CODE_TEXT, .text = "*", .len = 1, .known = true };
	struct code_arguments parts;
	struct code_value path;

	if (v->kind != CODE_TEXT)
		return opaque(v->origin);
	parts.len = 2;
	parts.items[0] = *v;
	parts.items[1] = star;
	path = path_of(s, &parts);
	return code_one(s, &path);
}

static struct code_value apply(struct code_scan *s, enum code_operation op, const char *name, const struct code_value *receiver,
			       const struct code_arguments *args)
{
	static const struct code_value none = { .text = "" };
	size_t next;
	const struct code_value *v = subject(receiver, args, &next);
	const struct code_value *more = args->len > next ? &args->items[next] : NULL;

	if (!v)
		v = &none;
	if (v->kind == CODE_FETCHED)
		return *v;
	switch (op) {
	case OP_SAME:
		return name[0] == 'b' ? characters(s, v) : *v;
	case OP_TRIM:
		return trimmed(s, v);
	case OP_CHAR:
		if (args->len > 1 && args->items[0].kind == CODE_NUMBER)
			return characters(s, &(struct code_value){ .kind = CODE_LIST, .items = args->items, .items_len = args->len, .text = "" });
		return characters(s, v);
	case OP_JOIN:
		if (v->kind == CODE_LIST)	/* [..].join("") */
			return joined(s, v, more && more->kind == CODE_TEXT ? more->text : next ? "" : s->language == CODE_NODE ? "," : "",
				      more && more->kind == CODE_TEXT ? more->len : !next && !more && s->language == CODE_NODE);
		if (!next && s->language & (CODE_NODE | CODE_RUBY))
			return *v;		/* of characters that are one text already */
		/* "".join([..]), join("", list), os.path.join("a", "b") */
		if (receiver && receiver->kind == CODE_NAME && strcmp(receiver->text, "string") != 0)
			return path_of(s, args);
		if (args->len > next + 1) {
			struct code_value rest = { .kind = CODE_LIST, .items = &args->items[next], .items_len = args->len - next, .text = "" };

			return joined(s, &rest, v->text, v->len);
		}
		return more ? joined(s, more, v->text, v->len) : opaque(ORIGIN_ASSEMBLED);
	case OP_BASE64:
		return decoded(s, v, decode_base64);
	case OP_BASE32:
		return decoded(s, v, decode_base32);
	case OP_HEX:
		return decoded(s, v, decode_hex);
	case OP_ROT13:
		return decoded(s, v, decode_rot13_text);
	case OP_PERCENT:
		return decoded(s, v, decode_percent_text);
	case OP_REVERSE:
		return reversed(s, v);
	case OP_REPLACE:
		if (next && args->len == 3)	/* str_replace(from, to, text) */
			return replaced(s, &args->items[2], &args->items[0], &args->items[1]);
		return args->len > next + 1 ? replaced(s, v, more, &args->items[next + 1]) : opaque(v->origin | ORIGIN_ASSEMBLED);
	case OP_SPLIT:
		if (next && more && more->kind == CODE_TEXT)	/* split(by, text) */
			return split(s, more, v);
		return split(s, v, name[0] == 'c' ? &(struct code_value){ .kind = CODE_TEXT, .text = "" } : next ? NULL : more);
	case OP_LOWER:
	case OP_UPPER:
		return recased(s, v, op == OP_UPPER);
	case OP_CODEC:
		return by_codec(s, v, more);
	case OP_PACK:
		return packed(s, receiver, args);
	case OP_OPAQUE:
		return opaque(v->origin | ORIGIN_DECODED);
	case OP_PATH:
		return path_of(s, args);
	case OP_VARIABLE:
		return variable_of(s, args);
	case OP_MAP:
		return mapped(s, receiver, args);
	case OP_ATTRIBUTE:
		return attribute(s, args);
	case OP_MODULE:
		if (v->kind == CODE_TEXT)
			return (struct code_value){ .kind = CODE_NAME, .text = v->text, .len = v->len };
		return opaque(0);
	case OP_LIST:
		return *v;
	case OP_CONCAT:
		return more ? code_concat(s, v, more) : *v;
	case OP_FORMAT:
		if (v->kind == CODE_TEXT && memchr(v->text, '%', v->len)) {
			struct code_value rest = { .kind = CODE_LIST, .items = &args->items[next], .items_len = args->len - next, .text = "" };

			return code_format(s, v, &rest);
		}
		return formatted(s, v, args);
	case OP_ORD:
		if (v->kind == CODE_TEXT && v->known && v->len)
			return (struct code_value){ .kind = CODE_NUMBER, .number = (unsigned char)v->text[0], .text = "" };
		return opaque(v->origin);
	case OP_GLOB:
		return v->kind == CODE_TEXT ? code_one(s, v) : *v;
	case OP_BELOW:
		return below(s, v);
	case OP_SUBSTRING:
		return substring(s, v, args, next, strcmp(name, "substr") == 0);
	}
	return opaque(0);
}

bool code_function(struct code_scan *s, const char *name, size_t len, const struct code_value *receiver, const struct code_arguments *args,
		   struct code_value *ret)
{
	size_t low = 0, high = ARRAY_SIZE(functions);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = word_order(name, len, functions[mid].name);

		if (!order) {
			*ret = apply(s, functions[mid].operation, functions[mid].name, receiver, args);
			return true;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}
