// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long do block devices take, how long do requests wait for them, and how much is moved?
//
// A request's time is cut at block_rq_insert (into a scheduler), block_rq_issue (to the driver) and
// block_rq_requeue (back from it): what lies before an issue is the queue's, what follows it the
// device's, summed over all attempts. block_rq_complete ends it, and fires for partial completions
// too. The tracepoints know requests, not processes: the agent's own I/O is not left out, and
// devices made of bios (md, dm's linear, zram) are seen through the devices below them alone.
#include "block.bpf.h"
#include "slots.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum stage {
	QUEUED = 1,
	ISSUED = 2,
};

/* What is known of a request that has not completed. */
struct progress {
	__u64 since_ns; /* when it came to this stage */
	__u64 queue_ns; /* of the stages before */
	__u64 device_ns;
	__u64 key;   /* of its cgroup, read at the issue: a failing path takes the bios away */
	__u32 bytes; /* of partial completions */
	__u8 stage;
	__u8 queued;   /* it was in a queue at all */
	__u8 requeued; /* and came back to one: its next insertion is no beginning */
	__u8 outside;  /* of the scope that was asked for */
};

/*
 * By address, which a request has for itself until it completes or is merged away. One that finds
 * no room is untracked at its completion. Elements are preallocated, so nothing is allocated here
 * under a queue's lock.
 */
struct {
#ifdef LRU
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
#else
	__uint(type, BPF_MAP_TYPE_HASH);
#endif
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct progress);
} requests SEC(".maps");

static __always_inline bool wanted(struct request *request)
{
	return !knobs.device || device_of(request) == knobs.device;
}

static __always_inline struct progress *progress_of(struct request *request)
{
	__u64 address = (__u64)request;
	return bpf_map_lookup_elem(&requests, &address);
}

static __always_inline void forget(struct request *request)
{
	__u64 address = (__u64)request;
	bpf_map_delete_elem(&requests, &address);
}

/* One that is known already is an earlier request, whose end was missed. */
static __always_inline void begin(struct request *request, struct progress *known,
				  const struct progress *fresh)
{
	__u64 address = (__u64)request;
	if (known)
		*known = *fresh;
	else
		bpf_map_update_elem(&requests, &address, fresh, BPF_ANY);
}

HOOK("block_rq_insert")
int on_insert(__u64 *context)
{
	struct request *request = request_of(context);
	struct progress *known;
	if (!wanted(request))
		return 0;
	known = progress_of(request);
	if (known && known->requeued)
		return 0;
	begin(request, known,
	      &(struct progress){
		  .since_ns = bpf_ktime_get_ns(),
		  .stage = QUEUED,
		  .queued = 1,
	      });
	return 0;
}

static __always_inline void describe_owner(struct progress *progress, struct request *request)
{
	struct cgroup *cgroup;
	bool keyed = knobs.slot_by == APUS_SLOT_BY_CGROUP || knobs.slot_by == APUS_SLOT_BY_ALL;
	if (!keyed && !knobs.cgroup_key)
		return;
	cgroup = cgroup_of_request(request);
	if (keyed)
		progress->key = block_cgroup_key(cgroup);
	if (knobs.cgroup_key)
		progress->outside = !in_block_cgroup(cgroup, knobs.cgroup_key);
}

HOOK("block_rq_issue")
int on_issue(__u64 *context)
{
	struct request *request = request_of(context);
	struct progress fresh = {.stage = ISSUED};
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
		describe_owner(known, request);
		return 0;
	}
	fresh.since_ns = now;
	describe_owner(&fresh, request);
	begin(request, known, &fresh);
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
	if (!known) {
		begin(request, 0,
		      &(struct progress){
			  .since_ns = now,
			  .stage = QUEUED,
			  .queued = 1,
			  .requeued = 1,
		      });
		return 0;
	}
	if (known->stage == ISSUED) {
		known->device_ns += now - known->since_ns;
		known->since_ns = now;
		known->stage = QUEUED;
		known->queued = 1;
	}
	known->requeued = 1;
	return 0;
}

// The request that goes into another one, which stands for both.
HOOK("block_rq_merge")
int on_merge(__u64 *context)
{
	forget(request_of(context));
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

static __always_inline void count_part(struct apus_slot_key *key, __u16 part, __u64 ns, __u64 bytes)
{
	bool has_bytes = part == APUS_BLOCK_DEVICE ||
			 (part == APUS_BLOCK_WHOLE && !(knobs.parts & 1 << APUS_BLOCK_DEVICE));
	__u32 slot;
	if (!(knobs.parts & 1 << part))
		return;
	key->part = part;
	slot = find_slot(key, 0);
	observe(slot, ns);
	if (has_bytes && bytes)
		observe_amount(slot, bytes);
}

static __always_inline void count(struct request *request, const struct progress *done)
{
	struct apus_slot_key key = {};
	if (knobs.slot_by == APUS_SLOT_BY_CGROUP || knobs.slot_by == APUS_SLOT_BY_ALL)
		key.key = done->key;
	if (knobs.slot_by == APUS_SLOT_BY_DEVICE || knobs.slot_by == APUS_SLOT_BY_ALL)
		key.device = device_of(request);
	if (knobs.slot_by == APUS_SLOT_BY_FLAGS)
		key.what = flags_of(request);
	if (knobs.slot_by == APUS_SLOT_BY_ALL)
		key.what = operation_of(request);
	count_part(&key, APUS_BLOCK_DEVICE, done->device_ns, done->bytes);
	if (done->queued)
		count_part(&key, APUS_BLOCK_QUEUE, done->queue_ns, 0);
	count_part(&key, APUS_BLOCK_WHOLE, done->queue_ns + done->device_ns, done->bytes);
}

/* A softirq's completion may come into another one's, so the counters are added to atomically. */
#define ADD_ONE(counter) __sync_fetch_and_add(counter, 1)

static __always_inline void on_last(struct request *request, struct progress *known, __u32 bytes)
{
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_BLOCK);
	struct progress done;
	if (!cell)
		return;
	if (!wanted(request)) {
		ADD_ONE(&cell->produced);
		ADD_ONE(&cell->filtered_scope);
		return;
	}
	if (!known || known->stage != ISSUED) {
		bool phantom = never_issued(request, bytes);
		forget(request);
		if (phantom)
			return;
		/* It was issued before this was attached, or there was no room. */
		ADD_ONE(&cell->produced);
		ADD_ONE(&cell->untracked);
		return;
	}
	done = *known;
	forget(request);
	ADD_ONE(&cell->produced);
	if (done.outside) {
		ADD_ONE(&cell->filtered_scope);
		return;
	}
	done.device_ns += bpf_ktime_get_ns() - done.since_ns;
	count(request, &done);
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
	if (known && !(__u32)context[1])
		known->bytes += bytes;
	if (bytes >= READ(request, __data_len))
		on_last(request, known, bytes);
	return 0;
}
