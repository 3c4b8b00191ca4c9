/* SPDX-License-Identifier: Apache-2.0
 * kube_config: text of a kubeconfig is refused with a sentence, or what comes of it is complete enough to be opened or refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/kube_config.h"
#include "runner/base/kube_private.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_config c = KUBE_CONFIG_EMPTY, copy;
	struct error err = { .code = ERR_OK };
	char end[CLOCK_RFC3339_SIZE];

	/* a folder without files: what is named there is not read */
	if (kube_config_parse((const char *)data, size, "cfg", "/proc/self/fdinfo", NULL, &c, &err) < 0) {
		check(err.code != ERR_OK && err.text[0] && !c.server && !c.context);
		return 0;
	}
	check(c.context && c.server && kube_check_server(c.server, NULL) == 0);
	check(!c.cert_pem == !c.key_pem);
	check(!c.exec_argv.len || (c.exec_api_version && c.exec_argv.items[0][0]));
	check(!c.insecure);
	if (c.cert_pem)
		kube_certificate_end(c.cert_pem, end);
	kube_config_copy(&copy, &c);
	check(!strcmp(copy.server, c.server) && copy.exec_env.len == c.exec_env.len);
	kube_config_release(&copy);
	kube_config_release(&c);
	check(!c.server && !c.token && !c.exec_argv.len);
	return 0;
}
