/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF objects that scripts/build-bpf.sh compiled, carried inside the binary. */
#include "capus.h"
#include <string.h>

/* One source, both its builds. */
struct probe {
	const char *name;
	struct capus_object modern, compatible;
};

#define PROBE(name)                                                                                \
	{                                                                                          \
#name, {name##_modern, sizeof(name##_modern) },                                    \
		{                                                                                  \
			name##_compatible, sizeof(name##_compatible)                               \
		}                                                                                  \
	}

/* Arrays that libelf wants aligned, then the table `probes`. */
#include "../../.build/bpf/objects.inc"

struct capus_object capus_probe(const char *name, _Bool compatible)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (!strcmp(probes[i].name, name))
			return compatible ? probes[i].compatible : probes[i].modern;
	return (struct capus_object){0};
}
