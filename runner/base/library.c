/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/library.h"

#include <dlfcn.h>
#include <string.h>

int library_load(const char *soname, const char *package, const struct library_symbol *symbols, size_t n, struct error *err)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return error_set(err, ERR_UNAVAILABLE, "%s is not installed (Debian package %s): %s", soname, package, dlerror());
	for (size_t i = 0; i < n; i++) {
		void *address = dlsym(handle, symbols[i].name);

		if (!address)
			return error_set(err, ERR_UNAVAILABLE, "%s has no %s: a newer version is needed (Debian package %s)",
					 soname, symbols[i].name, package);
		memcpy(symbols[i].slot, &address, sizeof(address));
	}
	return 0;
}
