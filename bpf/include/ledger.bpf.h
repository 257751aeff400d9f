/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's end of the loss ledger, and the knobs. Both are shared with user space. */
#pragma once
#include "hook.bpf.h"
#include "apus_abi.h"

/* Alone in its section: user space replaces the whole map's value before load. */
const volatile struct apus_knobs knobs SEC(".rodata.knobs") = {
    .uid = 0xffffffff,
    .replicas = 1,
    .cpus = 1,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, APUS_KIND_COUNT);
	__type(key, __u32);
	__type(value, struct apus_ledger_cell);
} ledger SEC(".maps");

static __always_inline struct apus_ledger_cell *ledger_of(__u32 kind)
{
	return bpf_map_lookup_elem(&ledger, &kind);
}
