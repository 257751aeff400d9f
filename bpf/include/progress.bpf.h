/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of the block requests in flight, by address: a table of sets, in an array that
 * programs reach without a call. A request keeps its address from its insertion to its end, and the
 * kernel uses few addresses again and again, so an entry stays when its request ends: the next one
 * finds it, with the histogram slots of the last. Entries in flight are never given away; a request
 * that finds all of its set in flight is untracked at its completion.
 *
 * Measured against it with fio on a loop device, per request: an LRU hash used the same way costs
 * 90 ns more (180 with a scheduler) and may evict what is in flight; a hash whose element is made
 * at the issue and deleted at the end 500 ns more (700). Without the remembered slots it is 30 ns
 * more (60).
 */
#pragma once
#include "hook.bpf.h"

#define SET_BITS 11 /* with WAYS 8: 16384 requests in 1.2 MB */
#define WAYS	 8

enum stage {
	ENDED = 0,
	QUEUED = 1,
	ISSUED = 2,
};

enum progress_flags {
	WAS_QUEUED = 1 << 0,
	REQUEUED = 1 << 1, /* the next insertion is no beginning */
	OUTSIDE = 1 << 2,  /* of the scope that was asked for */
};

struct progress {
	__u64 since_ns; /* when it came to this stage */
	__u64 queue_ns; /* of the stages before */
	__u64 device_ns;
	__u64 key;    /* of its cgroup; with the next four: what the slots were found for */
	__u32 device; /* as in struct apus_slot_key */
	__u16 what;
	__u8 stage;
	__u8 flags;
	__u32 epoch;
	__u32 slots[3]; /* by part; those of the overflow are asked for again */
	__u32 bytes;	/* of partial completions */
	__u32 claims;	/* 0: free for a request of this or another address */
};

struct set {
	__u64 addresses[WAYS];
	struct progress ways[WAYS];
};

_Static_assert(sizeof(struct progress) == 64, "two cache lines at most");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << SET_BITS);
	__type(key, __u32);
	__type(value, struct set);
} requests SEC(".maps");

static __always_inline struct set *set_of(struct request *request)
{
	__u64 low;
	__u32 index;
	/* The verifier refuses arithmetic on a typed pointer, and lets half of it become a number.
	 */
	asm volatile("r0 = %1; w0 = w0; %0 = r0" : "=r"(low) : "r"(request) : "r0");
	/* Requests lie side by side, at a distance that a single factor may fold into few sets. */
	index = low;
	index = (index ^ index >> 15) * 0x85ebca6bU;
	index = (index ^ index >> 13) * 0xc2b2ae35U;
	index >>= 32 - SET_BITS;
	return bpf_map_lookup_elem(&requests, &index);
}

/* Also of a request that had ended. */
static __always_inline struct progress *progress_of(struct request *request)
{
	struct set *set = set_of(request);
	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < WAYS; i++) {
		if (set->addresses[i] == (__u64)request)
			return &set->ways[i];
	}
	return 0;
}

/*
 * Of several that try at a time at most one succeeds, and needs no compare-and-swap (5.12): the
 * second to add reads more than 1.
 */
static __always_inline bool claimed(struct progress *progress)
{
	__sync_fetch_and_add(&progress->claims, 1);
	if (*(volatile __u32 *)&progress->claims == 1)
		return true;
	__sync_fetch_and_add(&progress->claims, -1);
	return false;
}

static __always_inline void end(struct progress *progress)
{
	progress->stage = ENDED;
	__sync_fetch_and_add(&progress->claims, -1);
}

/* Any that is free, from a place that changes, so that no address is driven out again and again. */
static __always_inline struct progress *new_progress(struct request *request, __u64 now)
{
	struct set *set = set_of(request);
	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < WAYS; i++) {
		__u32 way = ((now >> 4) + i) & (WAYS - 1);
		if (!set->ways[way].claims && claimed(&set->ways[way])) {
			set->addresses[way] = (__u64)request;
			return &set->ways[way];
		}
	}
	return 0;
}

/*
 * `known` is what progress_of() found. One that has not ended is of an earlier request, whose end
 * was missed. One that was claimed this moment is being given to another address.
 */
static __always_inline struct progress *begin(struct request *request, struct progress *known,
					      enum stage stage, __u64 now)
{
	if (!known)
		known = new_progress(request, now);
	else if (known->stage == ENDED && !claimed(known))
		return 0;
	if (!known)
		return 0;
	known->since_ns = now;
	known->queue_ns = 0;
	known->device_ns = 0;
	known->bytes = 0;
	known->flags = stage == QUEUED ? WAS_QUEUED : 0;
	known->stage = stage;
	return known;
}
