/* SPDX-License-Identifier: Apache-2.0
 * Names that are asked for where there is no network: a resolver finds us at 127.0.0.1, is refused at once, and it is told what it
 * wanted to know. See init_observe.h. */
#include "sandboxes/init_observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/mem.h"
#include "sandboxes/dns.h"

enum { DNS_PORT = 53, TURN_MAX = 16 };

void init_observe_names(struct init *init)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		init->dns_fd = steal_fd(&fd);
}

void init_observe_dns(struct init *init)
{
	for (int i = 0; i < TURN_MAX; i++) {
		unsigned char message[DNS_MESSAGE_MAX], out[DNS_ANSWER_MIN];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(init->dns_fd, message, sizeof(message), 0, (struct sockaddr *)&from, &from_len);
		struct dns_question q;
		char type[16];

		if (n < 0)
			return;
		if (!dns_parse(message, (size_t)n, &q))
			continue;
		observer_tell(init, NULL, &(struct sandbox_event){
			.kind = SANDBOX_EVENT_DNS, .subject = q.name, .detail = dns_type_to_string(q.type, type),
		});
		n = (ssize_t)dns_answer(message, &q, DNS_REFUSED, NULL, 0, 0, out, sizeof(out));
		if (sendto(init->dns_fd, out, (size_t)n, 0, (struct sockaddr *)&from, from_len) < 0) { /* it asks again */ }
	}
}
