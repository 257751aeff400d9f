// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long do block devices take, how long do requests wait for them, and how much is moved?
//
// A request's time is cut at block_rq_insert (into a scheduler), block_rq_issue (to the driver) and
// block_rq_requeue (back from it): what lies before an issue is the queue's, what follows it the
// device's, summed over all attempts. block_rq_complete ends it, and fires for partial completions
// too. The tracepoints know requests, not processes: the agent's own I/O is not left out, and
// devices made of bios (md, dm's linear, zram) are seen through the devices below them alone.
// A throttle holds bios back before there is a request, so its time is in neither.
//
// Cost on a 2-core 6.18 machine: fio's random reads of a loop device in memory, one at a time,
// 25.7 us each alone, 26.7 with this, 27.0 with the compat object, 29.2 with libbpf-tools'
// biolatency, 31.7 with a bpftrace line that keeps the same two tracepoints' difference and the
// bytes (medians of interleaved runs). Run time by bpf_stats: issue 237 ns, completion 310 ns
// (compat 424, 534; libbpf-tools 410, 439; bpftrace 422, 794); with mq-deadline insertion 277 ns,
// issue 156 ns, completion 343 ns.
#include "block.bpf.h"
#include "progress.bpf.h"
#include "slots.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A softirq's completion may come into another one's, so the ledger is added to atomically. */
#define ADD_ONE(counter) __sync_fetch_and_add(counter, 1)

/* The address of a request is used again, and its completion was not seen. */
static __always_inline void count_missed(const struct progress *known)
{
	struct apus_ledger_cell *cell;
	if (!known || known->stage != ISSUED)
		return;
	cell = ledger_of(APUS_KIND_BLOCK);
	if (!cell)
		return;
	ADD_ONE(&cell->produced);
	ADD_ONE(&cell->untracked);
}

static __always_inline bool wanted(struct request *request)
{
	return !knobs.device || device_of(request) == knobs.device;
}

HOOK("block_rq_insert")
int on_insert(__u64 *context)
{
	struct request *request = request_of(context);
	struct progress *known;
	if (!wanted(request))
		return 0;
	known = progress_of(request);
	if (known && known->stage == QUEUED && known->flags & REQUEUED)
		return 0;
	count_missed(known);
	begin(request, known, QUEUED, bpf_ktime_get_ns());
	return 0;
}

/* Read here because a path that fails takes the data away before it completes the request. */
static __always_inline void note_owner(struct progress *progress, struct request *request)
{
	bool keyed = knobs.slot_by == APUS_SLOT_BY_CGROUP || knobs.slot_by == APUS_SLOT_BY_ALL;
	struct cgroup *cgroup;
	__u64 key;
	if (!keyed && !knobs.cgroup_key)
		return;
	cgroup = cgroup_of_request(request);
	if (knobs.cgroup_key && !in_block_cgroup(cgroup, knobs.cgroup_key))
		progress->flags |= OUTSIDE;
	if (!keyed)
		return;
	key = block_cgroup_key(cgroup);
	if (progress->key == key)
		return;
	progress->key = key;
	__builtin_memset(progress->slots, 0, sizeof(progress->slots));
}

HOOK("block_rq_issue")
int on_issue(__u64 *context)
{
	struct request *request = request_of(context);
	struct progress *known;
	__u64 now;
	if (!wanted(request))
		return 0;
	now = bpf_ktime_get_ns();
	known = progress_of(request);
	if (known && known->stage == QUEUED) {
		known->queue_ns += now - known->since_ns;
		known->since_ns = now;
		known->stage = ISSUED;
	} else {
		count_missed(known);
		known = begin(request, known, ISSUED, now);
	}
	if (known)
		note_owner(known, request);
	return 0;
}

// Where the driver gives a request back: busy, or done with a part only. It waits from then on, as
// do those that it refused before they were started, which no other tracepoint tells.
HOOK("block_rq_requeue")
int on_requeue(__u64 *context)
{
	struct request *request = request_of(context);
	struct progress *known;
	__u64 now;
	if (!wanted(request))
		return 0;
	now = bpf_ktime_get_ns();
	known = progress_of(request);
	if (known && known->stage == ISSUED) {
		known->device_ns += now - known->since_ns;
		known->since_ns = now;
		known->stage = QUEUED;
	} else if (!known || known->stage == ENDED) {
		known = begin(request, known, QUEUED, now);
	}
	if (known)
		known->flags |= WAS_QUEUED | REQUEUED;
	return 0;
}

// The request that goes into another one, which stands for both.
HOOK("block_rq_merge")
int on_merge(__u64 *context)
{
	struct progress *known = progress_of(request_of(context));
	if (known && known->stage != ENDED)
		end(known);
	return 0;
}

/*
 * Completions of what no driver was given: an empty flush, for which the flush machinery issued a
 * request of its own; a write that it completes again after the flush behind it; and what a driver
 * refused for good.
 */
static __always_inline bool never_issued(struct request *request, __u32 bytes)
{
	if (READ(request, state) == MQ_RQ_IDLE)
		return true;
	return !bytes && operation_of(request) == APUS_BLOCK_WRITE;
}

/* A part's slot is looked up once for requests of one kind that follow each other at an address. */
static __always_inline void find_part(struct progress *progress, __u16 part)
{
	__u32 *slot = &progress->slots[part - 1];
	struct apus_slot_key key = {
	    .key = progress->key,
	    .device = progress->device,
	    .what = progress->what,
	    .part = part,
	};
	if (knobs.parts & 1 << part && *slot < APUS_SLOT_OVERFLOWS)
		*slot = find_slot(&key, 0);
}

static __always_inline void find_slots(struct progress *progress, struct request *request)
{
	__u32 device = 0;
	__u16 what = 0;
	if (knobs.slot_by == APUS_SLOT_BY_DEVICE || knobs.slot_by == APUS_SLOT_BY_ALL)
		device = device_of(request);
	if (knobs.slot_by == APUS_SLOT_BY_FLAGS)
		what = flags_of(request);
	if (knobs.slot_by == APUS_SLOT_BY_ALL)
		what = operation_of(request);
	if (progress->device != device || progress->what != what ||
	    progress->epoch != slots_epoch) {
		progress->device = device;
		progress->what = what;
		progress->epoch = slots_epoch;
		__builtin_memset(progress->slots, 0, sizeof(progress->slots));
	}
	find_part(progress, APUS_BLOCK_DEVICE);
	if (progress->flags & WAS_QUEUED)
		find_part(progress, APUS_BLOCK_QUEUE);
	find_part(progress, APUS_BLOCK_WHOLE);
}

static __always_inline void count_part(const struct progress *done, __u16 part, __u64 ns)
{
	__u32 slot = done->slots[part - 1];
	bool has_bytes = part == APUS_BLOCK_DEVICE ||
			 (part == APUS_BLOCK_WHOLE && !(knobs.parts & 1 << APUS_BLOCK_DEVICE));
	if (!(knobs.parts & 1 << part))
		return;
	observe(slot, ns);
	if (has_bytes && done->bytes)
		observe_amount(slot, done->bytes);
}

static __always_inline void count(struct request *request, struct progress *known,
				  struct apus_ledger_cell *cell)
{
	__u64 now = bpf_ktime_get_ns();
	struct progress done;
	ADD_ONE(&cell->produced);
	if (known->flags & OUTSIDE) {
		ADD_ONE(&cell->filtered_scope);
		end(known);
		return;
	}
	find_slots(known, request);
	/* The entry ends before its spans are counted, or the verifier does that for each way. */
	done = *known;
	end(known);
	done.device_ns += now - done.since_ns;
	count_part(&done, APUS_BLOCK_DEVICE, done.device_ns);
	if (done.flags & WAS_QUEUED)
		count_part(&done, APUS_BLOCK_QUEUE, done.queue_ns);
	count_part(&done, APUS_BLOCK_WHOLE, done.queue_ns + done.device_ns);
}

static __always_inline void on_last(struct request *request, struct progress *known, __u32 bytes)
{
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_BLOCK);
	bool foreign = !wanted(request);
	if (!cell)
		return;
	if (!foreign && known && known->stage == ISSUED) {
		count(request, known, cell);
		return;
	}
	if (known && known->stage == QUEUED)
		end(known);
	if (never_issued(request, bytes))
		return;
	ADD_ONE(&cell->produced);
	if (foreign)
		ADD_ONE(&cell->filtered_scope);
	else
		ADD_ONE(&cell->untracked);
}

// Arguments: request, error (an errno before 5.16), bytes. The tracepoint fires before the bytes
// are taken off the request, so they reach what is left of it with its last completion.
HOOK("block_rq_complete")
int on_complete(__u64 *context)
{
	struct request *request = (void *)context[0];
	struct progress *known = progress_of(request);
	__u32 bytes = context[2];
	/* What failed was not moved. */
	if (known && known->stage != ENDED && !(__u32)context[1])
		known->bytes += bytes;
	if (bytes >= READ(request, __data_len))
		on_last(request, known, bytes);
	return 0;
}
