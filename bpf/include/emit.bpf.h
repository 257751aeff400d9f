/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one place where a record leaves the kernel half. A record is written whole into memory of
 * this CPU and copied out, because most have a variable size and the ring would have to reserve
 * the largest. `context` is what the perf buffer wants to know of the program.
 */
#pragma once
#include "ledger.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* One buffer per CPU, for kernels that have no ring, and where it is asked for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} perf_events SEC(".maps");

static __always_inline void head(struct apus_header *header, __u16 kind, __u64 sequence)
{
	header->kind = kind;
	header->cpu = bpf_get_smp_processor_id();
	header->sequence = sequence;
	header->time_ns = bpf_ktime_get_boot_ns();
}

/* A wake-up is the dearest part of a record, so it waits for a backlog; the reader has a timer. */
static __always_inline __u64 wake_up(void)
{
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= knobs.wake_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void emit(void *context, struct apus_ledger_cell *cell,
				 struct apus_header *record, __u32 size)
{
	long failed;
	record->size = size;
	if (knobs.perf_buffer)
		failed =
		    bpf_perf_event_output(context, &perf_events, BPF_F_CURRENT_CPU, record, size);
	else
		failed = bpf_ringbuf_output(&events, record, size, wake_up());
	if (failed)
		FETCH_ADD(&cell->ring_full);
}
