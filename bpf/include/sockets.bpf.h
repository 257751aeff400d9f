/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose each TCP socket is; made by user space, filled by the object `sockets`, read by probes. */
#pragma once
#include "hook.bpf.h"
#include "apus_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* address of the struct sock */
	__type(value, struct apus_owner);
} owners SEC(".maps");
