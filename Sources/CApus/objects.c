/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF objects that scripts/build-bpf.sh compiled, carried inside the binary. */
#include "capus.h"

/* libelf wants an object aligned. */
#define OBJECT static _Alignas(8) const unsigned char

OBJECT execve_modern[] = {
#embed "../../.build/bpf/execve.bpf.o"
};
OBJECT execve_compatible[] = {
#embed "../../.build/bpf/execve.compat.bpf.o"
};
OBJECT runqlat_modern[] = {
#embed "../../.build/bpf/runqlat.bpf.o"
};
OBJECT runqlat_compatible[] = {
#embed "../../.build/bpf/runqlat.compat.bpf.o"
};

struct capus_object capus_execve(_Bool compatible)
{
	if (compatible)
		return (struct capus_object){execve_compatible, sizeof(execve_compatible)};
	return (struct capus_object){execve_modern, sizeof(execve_modern)};
}

struct capus_object capus_runqlat(_Bool compatible)
{
	if (compatible)
		return (struct capus_object){runqlat_compatible, sizeof(runqlat_compatible)};
	return (struct capus_object){runqlat_modern, sizeof(runqlat_modern)};
}
