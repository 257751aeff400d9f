/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Histograms by key: a key is given one of a fixed number of slots, and its spans are counted in
 * arrays that user space reads in place. The life of a slot is told in apus_abi.h.
 *
 * Several programs may count in one CPU's copy at a time (a softirq interrupts a task's program),
 * so counting is atomic. A probe whose programs exclude each other on a CPU defines
 * SLOTS_EXCLUSIVE, and then pays for an atomic only where CPUs share a copy.
 */
#pragma once
#include "exphist.bpf.h"
#include "ledger.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct apus_slot_key);
	__type(value, struct apus_slot);
} slots SEC(".maps");

/* Filled by user space, at the start and with the slots of keys that are gone. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 256);
	__type(value, __u32);
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct apus_hist);
} histograms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct apus_extremes);
} extremes SEC(".maps");

/* User space adds 1 when it has taken a key out of `slots`: what is remembered is then void. */
__u32 slots_epoch SEC(".data.epoch") = 0;

/* What finds no slot is counted together, each part of a span for itself. */
static __always_inline __u32 overflow_slot(const struct apus_slot_key *key)
{
	return key->part & (APUS_SLOT_OVERFLOWS - 1);
}

/* First sight of a key: takes a free slot, or shares the overflow's when there is none. */
static __noinline __u32 open_slot(const struct apus_slot_key *key, const char *comm)
{
	struct apus_slot fresh = {};
	struct apus_slot *found;
	if (!key)
		return 0;
	if (bpf_map_pop_elem(&free_slots, &fresh.slot))
		return overflow_slot(key);
	if (comm)
		bpf_probe_read_kernel(fresh.comm, sizeof(fresh.comm), comm);
	if (!bpf_map_update_elem(&slots, key, &fresh, BPF_NOEXIST))
		return fresh.slot;
	/* Another CPU was first, or the map is full. */
	bpf_map_push_elem(&free_slots, &fresh.slot, BPF_ANY);
	found = bpf_map_lookup_elem(&slots, key);
	return found ? found->slot : overflow_slot(key);
}

/* `comm`, kernel memory or null, names the slot when the key is a process. */
static __always_inline __u32 find_slot(const struct apus_slot_key *key, const char *comm)
{
	struct apus_slot *found = bpf_map_lookup_elem(&slots, key);
	return found ? found->slot : open_slot(key, comm);
}

#ifdef SLOTS_EXCLUSIVE
/* A copy for each CPU is written by that CPU alone. */
#define COUNT(counter, number)                                                                     \
	do {                                                                                       \
		if (knobs.replicas >= knobs.cpus)                                                  \
			*(counter) += (number);                                                    \
		else                                                                               \
			__sync_fetch_and_add(counter, number);                                     \
	} while (0)
#else
#define COUNT(counter, number) __sync_fetch_and_add(counter, number)
#endif

/* As bcc counts: whole units, and what is less than two of them in the first slot. */
static __always_inline int log2_place(__u64 ns)
{
	__u64 units = ns / knobs.log2_unit_ns;
	return units ? exphist_normalise(&units) : 0;
}

/* Not static, so that the verifier walks its tree of comparisons once, and not for each call. */
__noinline int span_place(__u64 ns)
{
	return knobs.log2_unit_ns ? log2_place(ns)
				  : exphist_place(ns, APUS_HIST_OFFSET, APUS_HIST_BUCKETS);
}

static __always_inline void count_span(struct apus_hist *histogram, __u64 ns)
{
	int place = span_place(ns);
	__u32 bucket;
	COUNT(&histogram->sum_ns, ns);
	if (place == EXPHIST_ZERO) {
		COUNT(&histogram->zero, 1);
		return;
	}
	bucket = place;
	if (BOUNDED(bucket, APUS_HIST_BUCKETS))
		COUNT(&histogram->buckets[bucket], 1);
}

/* This CPU's copy of a slot's histogram. */
static __always_inline struct apus_hist *histogram_of(__u32 slot)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 index = slot * knobs.replicas + (cpu & (knobs.replicas - 1));
	return bpf_map_lookup_elem(&histograms, &index);
}

/*
 * Where a softirq comes between the comparison and the store, the lesser of two values that lie
 * microseconds apart may stay: an extreme is then off, a count never.
 */
static __always_inline void observe_extremes(__u32 slot, __u64 ns)
{
	__u32 index = slot * knobs.cpus + bpf_get_smp_processor_id();
	struct apus_extremes *extreme = bpf_map_lookup_elem(&extremes, &index);
	if (!extreme)
		return;
	if (ns > extreme->max_ns)
		extreme->max_ns = ns;
	if (~ns > extreme->min_ns_inverted)
		extreme->min_ns_inverted = ~ns;
}

static __always_inline void observe(__u32 slot, __u64 ns)
{
	struct apus_hist *histogram = histogram_of(slot);
	if (histogram)
		count_span(histogram, ns);
	observe_extremes(slot, ns);
}

/* What the probe counts besides spans: bytes, segments, connects. */
static __always_inline void observe_amount(__u32 slot, __u64 amount)
{
	struct apus_hist *histogram = histogram_of(slot);
	if (histogram)
		COUNT(&histogram->amount, amount);
}
