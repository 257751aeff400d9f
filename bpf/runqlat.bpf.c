// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long do tasks that could run wait for a CPU?
//
// A wait begins at sched_wakeup and sched_wakeup_new, which fire when the task is on the queue (not
// at sched_waking, which fires on the waker's CPU before), and at a sched_switch away from a task
// that stays runnable; it ends at the sched_switch to it. All three run under the queue's lock with
// interrupts off, so a CPU's counters need no atomics. sched_switch comes last in this file and so
// is attached last: a wait that it ends has then been seen to begin.
//
// Cost on a 2-core 6.18 machine: `perf bench sched pipe` pinned to one CPU 4.5 us per operation
// alone, 5.3 with this, 6.2 with libbpf-tools' runqlat, 6.5 with the compat object (medians of
// interleaved runs). Run time by bpf_stats: wake-up 116 ns, switch 153 ns; libbpf-tools' 267, 489.
#define SLOTS_EXCLUSIVE
#include "filter.bpf.h"
#include "process.bpf.h"
#include "slots.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What is known of a task between two switches. */
struct wait {
	__u64 start_ns; /* when it became runnable; 0 while it runs */
	__u64 key;	/* as it last ran, with the slot found for it then */
	__u32 slot;
	__u32 epoch; /* of that slot, plus 1 */
	__u32
	    preempted; /* it lost the CPU while going to sleep: a wake-up does not begin its wait */
	__u32 reserved;
};

/*
 * Task storage goes with its task, so nothing is stale. A thread id may come to name another task
 * (exit, exec by a thread that is not the leader), but every wait begins by overwriting `start_ns`
 * and ends by clearing it, so what an entry of the hash still holds is never measured.
 *
 * Before 6.4 ("bpf: Use bpf_mem_cache_alloc/free in bpf_local_storage_elem") task storage came from
 * kmalloc, which may wake kswapd, here under the queue's lock: there take the compat object.
 */
#ifdef APUS_COMPAT
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct wait);
} waits SEC(".maps");
#else
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wait);
} waits SEC(".maps");
#endif

static __always_inline struct wait *wait_of(struct task_struct *task)
{
#ifdef APUS_COMPAT
	__u32 tid = READ(task, pid);
	return bpf_map_lookup_elem(&waits, &tid);
#else
	return bpf_task_storage_get(&waits, task, 0, 0);
#endif
}

static __always_inline struct wait *new_wait_of(struct task_struct *task)
{
#ifdef APUS_COMPAT
	__u32 tid = READ(task, pid);
	struct wait *wait = bpf_map_lookup_elem(&waits, &tid);
	struct wait none = {};
	if (wait)
		return wait;
	bpf_map_update_elem(&waits, &tid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&waits, &tid);
#else
	return bpf_task_storage_get(&waits, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
#endif
}

static __always_inline int on_runnable(struct task_struct *task)
{
	struct wait *wait = new_wait_of(task);
	if (wait && !wait->preempted)
		wait->start_ns = bpf_ktime_get_ns();
	return 0;
}

HOOK("sched_wakeup")
int on_wakeup(__u64 *context)
{
	return on_runnable((void *)context[0]);
}

HOOK("sched_wakeup_new")
int on_wakeup_new(__u64 *context)
{
	return on_runnable((void *)context[0]);
}

/*
 * Read from the task, not from the tracepoint's prev_state (5.18), which on some kernels says
 * asleep of a task that a pending signal keeps runnable. While the queue is locked nobody else can
 * make the state of a task that is leaving its CPU runnable.
 */
static __always_inline bool asleep(struct task_struct *task)
{
	struct task_struct___5_13 *old = (void *)task;
	if (bpf_core_field_exists(task->__state))
		return READ(task, __state);
	return READ(old, state);
}

static __always_inline __u64 key_of(struct task_struct *task)
{
	struct upid *upid;
	switch (knobs.slot_by) {
	case APUS_SLOT_BY_CGROUP:
		return cgroup_key(task);
	case APUS_SLOT_BY_PROCESS:
		return READ(task, tgid);
	case APUS_SLOT_BY_THREAD:
		return READ(task, pid);
	case APUS_SLOT_BY_PID_NAMESPACE:
		upid = innermost(task);
		return BPF_CORE_READ(upid, ns, ns.inum);
	default:
		return 0;
	}
}

static __always_inline __u32 slot_of(struct task_struct *task, struct wait *wait)
{
	struct apus_slot_key key = {.key = key_of(task)};
	__u32 epoch = slots_epoch + 1;
	bool has_comm =
	    knobs.slot_by == APUS_SLOT_BY_PROCESS || knobs.slot_by == APUS_SLOT_BY_THREAD;
	if (wait->key == key.key && wait->epoch == epoch)
		return wait->slot;
	wait->slot = find_slot(&key, has_comm ? task->comm : 0);
	wait->key = key.key;
	/* A key without a slot of its own asks again each time. */
	wait->epoch = wait->slot < APUS_SLOT_OVERFLOWS ? 0 : epoch;
	return wait->slot;
}

static __always_inline void on_running(struct task_struct *task, __u64 now)
{
	struct wait *wait = wait_of(task);
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_RUNQUEUE);
	__u64 ns;
	if (!cell)
		return;
	cell->produced++;
	/* It waited already when this was attached, or its state could not be kept. */
	if (!wait || !wait->start_ns) {
		cell->untracked++;
		return;
	}
	ns = now - wait->start_ns;
	wait->start_ns = 0;
	wait->preempted = 0;
	if (filtered(task, cell))
		return;
	observe(slot_of(task, wait), ns);
}

// Arguments: preempt, the task that leaves the CPU, the one that takes it.
HOOK("sched_switch")
int on_switch(__u64 *context)
{
	struct task_struct *previous = (void *)context[1];
	struct task_struct *next = (void *)context[2];
	__u64 now = bpf_ktime_get_ns();
	if (READ(previous, pid)) {
		bool sleepy = asleep(previous);
		if (!sleepy || (__u8)context[0]) {
			struct wait *wait = new_wait_of(previous);
			if (wait) {
				wait->start_ns = now;
				wait->preempted = sleepy;
			}
		}
	}
	if (READ(next, pid))
		on_running(next, now);
	return 0;
}
