/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One source, two objects. The modern one (5.12 and later) has typed tracepoints, whose pointers
 * are loaded through directly, and fetching atomics; the compat one (APUS_COMPAT, 5.8 and later)
 * has raw tracepoints, where each load is a helper call.
 *
 * In both, a hook's context is the array of the tracepoint's arguments. Programs of tracepoints run
 * with preemption off, so what belongs to a CPU is not shared with another run of the same program;
 * those of a cgroup may be preempted.
 */
#pragma once
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#ifdef APUS_COMPAT
#define HOOK(name) SEC("raw_tp/" name)
#define READ(...)  BPF_CORE_READ(__VA_ARGS__)
/* Never loses a count to a softirq that comes in between; the value may then be the softirq's. */
#define FETCH_ADD(p)                                                                               \
	({                                                                                         \
		__sync_fetch_and_add(p, 1);                                                        \
		*(p)-1;                                                                            \
	})
#else
#define HOOK(name)   SEC("tp_btf/" name)
#define READ(...)    ___arrow(__VA_ARGS__)
#define FETCH_ADD(p) __sync_fetch_and_add(p, 1)
#endif

/* Keeps the compiler from forgetting, or repeating elsewhere, a bound that the verifier needs. */
#define BOUNDED(variable, limit)                                                                   \
	({                                                                                         \
		asm volatile("" : "+r"(variable));                                                 \
		(variable) <= (limit);                                                             \
	})
