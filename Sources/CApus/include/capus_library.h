/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a shared library on first use: nothing is linked that only some commands need. */
#pragma once
#include <stddef.h>

/* One C function to find: its name, and where its address goes. */
struct capus_symbol {
	const char *_Nonnull name;
	void *_Nullable *_Nonnull slot;
};

/*
 * Opens `soname` and fills every slot. Returns 0, or -1 after writing to `message` which library
 * is missing, the Debian package that has it, and what dlerror said. The library stays open.
 */
int capus_library_open(const char *_Nonnull soname, const char *_Nonnull package,
		       const struct capus_symbol *_Nonnull symbols, size_t symbol_count,
		       char *_Nonnull message, size_t message_size);
