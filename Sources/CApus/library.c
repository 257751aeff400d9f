/* SPDX-License-Identifier: Apache-2.0 */
#include "capus_library.h"

#include <dlfcn.h>
#include <stdio.h>

int capus_library_open(const char *soname, const char *package, const struct capus_symbol *symbols,
		       size_t symbol_count, char *message, size_t message_size)
{
	/* RTLD_LOCAL: the library's names stay its own, whatever else the process opens. */
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		const char *reason = dlerror();
		snprintf(message, message_size, "cannot open %s (Debian package %s): %s", soname,
			 package, reason ? reason : "unknown reason");
		return -1;
	}
	for (size_t i = 0; i < symbol_count; i++) {
		*symbols[i].slot = dlsym(library, symbols[i].name);
		if (*symbols[i].slot)
			continue;
		const char *reason = dlerror();
		snprintf(message, message_size, "%s (Debian package %s) is too old: %s", soname,
			 package, reason ? reason : symbols[i].name);
		dlclose(library);
		return -1;
	}
	return 0;
}
