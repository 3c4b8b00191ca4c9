/* SPDX-License-Identifier: Apache-2.0
 * Who asks: the peer of a unix socket by the kernel's word, everybody else by a token. */
#include "cmd/serve/auth_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/output.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define SCOPES_ALL (SCOPE_READ | SCOPE_VALIDATE | SCOPE_DRY_RUN | SCOPE_ADMIN)

struct auth {
	char *path;		/* NULL: no tokens */
	struct token_list tokens;
	struct stat read;	/* of what `tokens` were read from */
	struct stat refused;	/* of what was not taken, and has been talked about */
	bool fresh;		/* it was written so shortly before that it may have changed since without showing */
	uint64_t looked_ns;	/* monotonic */
	struct rate_table *rates;
};

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool is_fresh(const struct stat *st)
{
	return clock_realtime_ns() < ((uint64_t)st->st_ctim.tv_sec + 1) * NS_PER_SEC;
}

int auth_open(const char *path, struct auth **ret, struct error *err)
{
	struct token_list tokens = { 0 };
	struct stat st = { 0 };

	if (path && token_list_read(path, &tokens, &st, err) < 0)
		return -1;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->path = xstrdup_or_null(path);
	(*ret)->tokens = tokens;
	(*ret)->read = st;
	(*ret)->fresh = path && is_fresh(&st);
	(*ret)->looked_ns = clock_monotonic_ns();
	(*ret)->rates = rate_table_new();
	return 0;
}

void auth_close(struct auth *a)
{
	if (!a)
		return;
	token_list_release(&a->tokens);
	rate_table_free(a->rates);
	free(a->path);
	free(a);
}

bool auth_required(const struct auth *a)
{
	return a->path;
}

/* The file may be replaced at any time. A new one that cannot be used changes nothing: those who could come in before still can, those who
 * were to be locked out, too; so it is said, once for each state of it. */
static void look_again(struct auth *a)
{
	uint64_t now = clock_monotonic_ns();
	struct token_list tokens = { 0 };
	struct error err = { 0 };
	struct stat st = { 0 };

	if (now < a->looked_ns + NS_PER_SEC)
		return;
	a->looked_ns = now;
	if (stat(a->path, &st) == 0 && ((same_file(&st, &a->read) && !a->fresh) || same_file(&st, &a->refused)))
		return;
	if (token_list_read(a->path, &tokens, &st, &err) == 0) {
		token_list_release(&a->tokens);
		a->tokens = tokens;
		a->read = st;
		a->fresh = is_fresh(&st);
		memset(&a->refused, 0, sizeof(a->refused));
		return;
	}
	if (!a->refused.st_nlink || !same_file(&st, &a->refused))
		message("warning", "%s; the tokens of before still hold", err.text);
	a->refused = st;
	a->refused.st_nlink = 1;	/* something was said, also about a file that is not there */
}

/* ---- */

static void grant(struct identity *ret, const char *name, unsigned int scopes)
{
	ret->scopes = scopes;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
}

/* "Bearer TOKEN": the token; NULL: none came. */
static const char *bearer_of(const struct request *rq)
{
	const char *header = request_header(rq, "Authorization");

	if (!header || strncasecmp(header, "Bearer", 6) || (header[6] != ' ' && header[6] != '\t'))
		return NULL;
	header += 6;
	return header + strspn(header, " \t");
}

static struct response *unauthorized(const char *code, const char *why)
{
	struct response *r = response_problem(401, code, NULL, "%s", why);

	if (!strcmp(code, "unauthenticated"))
		response_header(r, "WWW-Authenticate", "Bearer realm=\"sandbox_runner\"");
	else
		response_header(r, "WWW-Authenticate", "Bearer realm=\"sandbox_runner\", error=\"invalid_token\", error_description=\"%s\"", why);
	return r;
}

static struct response *no_scope(unsigned int scopes)
{
	autostrbuf struct strbuf words = STRBUF_INIT(STRBUF_NO_MAX);
	struct response *r;

	scopes_format(scopes, &words);
	r = response_problem(403, "insufficient_scope", NULL, "this token may not do that; it takes one with the scope %s", words.buf);
	for (char *p = words.buf; *p; p++)
		if (*p == ',')
			*p = ' ';
	response_header(r, "WWW-Authenticate", "Bearer realm=\"sandbox_runner\", error=\"insufficient_scope\", scope=\"%s\"", words.buf);
	return r;
}

struct response *auth_check(struct auth *a, const struct request *rq, unsigned int scopes, struct identity *ret)
{
	const struct token_entry *entry;
	const char *token;
	char uid[32];

	memset(ret, 0, sizeof(*ret));
	snprintf(uid, sizeof(uid), "uid:%u", (unsigned int)rq->peer.uid);
	if (!a->path || (rq->peer.local && (rq->peer.uid == geteuid() || rq->peer.uid == 0))) {
		grant(ret, rq->peer.local ? uid : "anonymous", SCOPES_ALL);
		return NULL;
	}
	look_again(a);
	token = bearer_of(rq);
	if (!token)
		return unauthorized("unauthenticated", "a token is needed: 'Authorization: Bearer TOKEN'");
	entry = token_list_find(&a->tokens, token);
	if (!entry)
		return unauthorized("invalid_token", "the token is not known here");
	if (clock_realtime_ns() >= entry->expires_ns)
		return unauthorized("invalid_token", "the token has expired");
	*ret = entry->identity;
	return scopes && !(scopes & entry->identity.scopes) ? no_scope(scopes) : NULL;
}

/* Who has an address of IPv6 has all 2^64 of its network. */
static void network_of(const char *address, char *ret, size_t size)
{
	struct in6_addr in6;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, address, &in6) != 1) {
		snprintf(ret, size, "%s", address);
		return;
	}
	if (!IN6_IS_ADDR_V4MAPPED(&in6))
		memset(in6.s6_addr + 8, 0, 8);
	snprintf(ret, size, "%s", inet_ntop(AF_INET6, &in6, text, sizeof(text)));
}

uint64_t auth_rate(struct auth *a, const struct identity *who, const struct peer *peer, const struct rate_limit *limit, uint64_t now_ns)
{
	bool known = who->name[0] && strcmp(who->name, "anonymous");
	char network[sizeof(peer->address)], key[160];

	if (limit->per_second <= 0)
		return 0;
	network_of(peer->address, network, sizeof(network));
	snprintf(key, sizeof(key), "%s %s", known ? "who" : "from", known ? who->name : network);
	return rate_table_take(a->rates, key, limit, now_ns);
}
