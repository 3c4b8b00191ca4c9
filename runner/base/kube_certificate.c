/* SPDX-License-Identifier: Apache-2.0
 * When a certificate ends. The server does not say that ours has: it takes us for nobody then. As much of X.509 (RFC 5280) as that
 * takes: Certificate { TBSCertificate { [0] version, serial, algorithm, issuer, Validity { notBefore, notAfter } … */
#include <stdio.h>
#include <string.h>

#include "runner/base/base64.h"
#include "runner/base/clock.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define DER_INTEGER 0x02
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_VERSION 0xa0

struct der {
	const unsigned char *data;
	size_t len;
};

/* The next element with that tag is taken off the front; its contents go to *inner (NULL: passed over). */
static bool take(struct der *d, unsigned char tag, struct der *inner)
{
	size_t head = 2, len;

	if (d->len < 2 || d->data[0] != tag)
		return false;
	len = d->data[1];
	if (len & 0x80) {
		const size_t bytes = len & 0x7f;

		if (!bytes || bytes > 3 || d->len < 2 + bytes)
			return false;
		len = 0;
		for (size_t i = 0; i < bytes; i++)
			len = len << 8 | d->data[2 + i];
		head += bytes;
	}
	if (d->len - head < len)
		return false;
	if (inner)
		*inner = (struct der){ d->data + head, len };
	d->data += head + len;
	d->len -= head + len;
	return true;
}

/* YYMMDDHHMMSSZ, or with four digits for the year, as RFC 3339. */
static bool read_time(struct der *d, char out[CLOCK_RFC3339_SIZE])
{
	struct der t;
	bool short_year = take(d, DER_UTC_TIME, &t);
	const char *s;

	if ((!short_year && !take(d, DER_GENERALIZED_TIME, &t)) || t.len != (short_year ? 13 : 15) || t.data[t.len - 1] != 'Z')
		return false;
	s = (const char *)t.data;
	for (size_t i = 0; i < t.len - 1; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	snprintf(out, CLOCK_RFC3339_SIZE, "%s%.*s-%.2s-%.2sT%.2s:%.2s:%.2sZ", !short_year ? "" : s[0] >= '5' ? "19" : "20", short_year ? 2 : 4, s,
		 s + t.len - 11, s + t.len - 9, s + t.len - 7, s + t.len - 5, s + t.len - 3);
	return true;
}

bool kube_certificate_end(const char *pem, char out[CLOCK_RFC3339_SIZE])
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	autostrbuf struct strbuf bytes = STRBUF_INIT(64u << 10);
	const char *start = strstr(pem, begin), *end = start ? strstr(start, "-----END") : NULL;
	struct der d, certificate, tbs, validity;
	char from[CLOCK_RFC3339_SIZE];

	if (!end)
		return false;
	start += strlen(begin);
	if (base64_decode(start, (size_t)(end - start), &bytes) < 0)
		return false;
	d = (struct der){ (const unsigned char *)bytes.buf, bytes.len };
	if (!take(&d, DER_SEQUENCE, &certificate) || !take(&certificate, DER_SEQUENCE, &tbs))
		return false;
	take(&tbs, DER_VERSION, NULL);		/* there from version 2 on */
	return take(&tbs, DER_INTEGER, NULL) && take(&tbs, DER_SEQUENCE, NULL) && take(&tbs, DER_SEQUENCE, NULL) &&
	       take(&tbs, DER_SEQUENCE, &validity) && read_time(&validity, from) && read_time(&validity, out);
}

void kube_explain_unauthorized(const struct kube *k, struct strbuf *out)
{
	const char *pem = k->plugin.cert_pem ? k->plugin.cert_pem : k->cfg.cert_pem;
	char end[CLOCK_RFC3339_SIZE];

	if (pem && kube_certificate_end(pem, end) && kube_time_ns(end) < clock_realtime_ns())
		strbuf_addf(out, "; our client certificate ended at %s: renew it", end);
	else if (!pem && !k->cfg.token && !k->cfg.token_file && !k->cfg.exec_argv.len)
		strbuf_addf(out, "; context '%s' names no user with a certificate or token", k->cfg.context ? k->cfg.context : "");
}
