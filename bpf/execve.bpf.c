// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which programs were run, by whom and how, and how did they end?
//
// sched_process_exec fires when the new image, name and credentials are in place and its argument
// vector lies in memory in one piece; at the entry of the call its pages may never have been
// touched. Failed execs are read at the exit of the call only, from the registers it was made with,
// so that an exec is never two records. These two programs are optional (they need tracefs), slow
// each system call a little while attached, and are not told of 32-bit callers: the kernel's
// system call tracepoints leave those out (ARCH_TRACE_IGNORE_COMPAT_SYSCALLS).
// sched_process_exit fires in each thread; the last one speaks for the process.
//
// No record is made of a fork. Each record names its process and its parent by id and start time,
// both read at the hook, so a child's parent is known without having seen the fork; a process that
// never calls exec is seen as a parent, and when it exits.
//
// Cost on a 2-core 6.18 machine: a loop that spawns a static program 107 us per turn alone, 114
// with this, 118 with the compat object, 138 with libbpf-tools' execsnoop. Run time by bpf_stats:
// exec 1.4 us, exit 0.7 us (compat 2.6 and 1.8), 0.14 us for an exec call that did not fail.
#include "call.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "process.bpf.h"
#include "workspace.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define POINTERS_MAX	128 /* arguments of a failed exec */
#define EXIT_GROUP_CODE 0x4 /* SIGNAL_GROUP_EXIT */

/* A string of the kernel or of the process, by its reader; returns its size without the NUL. */
#define WRITE_NAME(space, at, read, source)                                                        \
	({                                                                                         \
		long got = read((space)->payload + (at), APUS_NAME_MAX + 2, source);               \
		if (got <= 0) {                                                                    \
			(space)->exec.flags |= APUS_EXEC_NAME_UNREADABLE;                          \
			got = 1;                                                                   \
		}                                                                                  \
		if (got > APUS_NAME_MAX + 1) {                                                     \
			(space)->exec.flags |= APUS_EXEC_NAME_TRUNCATED;                           \
			got = APUS_NAME_MAX + 1;                                                   \
		}                                                                                  \
		(__u32) got - 1;                                                                   \
	})

/* The argument vector as it lies in the new address space, in one read. */
static __always_inline __u32 write_args(struct workspace *space, __u32 at, struct mm_struct *mm)
{
	__u64 start = READ(mm, arg_start);
	__u32 length = READ(mm, arg_end) - start;
	space->exec.args_length = length;
	if (!BOUNDED(length, APUS_ARGS_MAX)) {
		space->exec.flags |= APUS_EXEC_ARGS_TRUNCATED;
		length = APUS_ARGS_MAX;
	}
	if (bpf_probe_read_user(space->payload + at, length, (void *)start)) {
		space->exec.flags |= APUS_EXEC_ARGS_UNREADABLE;
		return 0;
	}
	return length;
}

static __always_inline void finish(void *context, struct apus_ledger_cell *cell,
				   struct workspace *space)
{
	__u32 size = space->exec.path_size + space->exec.name_size + space->exec.args_size;
	/* Cannot be; the verifier has forgotten the three bounds. */
	if (!BOUNDED(size, PAYLOAD_MAX)) {
		FETCH_ADD(&cell->untracked);
		return;
	}
	emit(context, cell, &space->exec.header, sizeof(space->exec) + size);
}

// Arguments: task, the thread id that called exec, struct linux_binprm.
HOOK("sched_process_exec")
int on_exec(__u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct linux_binprm *program = (void *)context[2];
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_EXEC);
	struct workspace *space;
	struct mm_struct *mm;
	__u64 sequence;
	__u32 at;
	if (!cell)
		return 0;
	sequence = FETCH_ADD(&cell->produced) + 1;
	if (filtered(task, cell))
		return 0;
	space = workspace(0);
	if (!space)
		goto untracked;
	mm = READ(task, mm);
	head(&space->exec.header, APUS_KIND_EXEC, sequence);
	describe(&space->exec.process, task);
	space->exec.error = 0;
	space->exec.flags = READ(program, interp) != READ(program, filename) ? APUS_EXEC_SCRIPT : 0;
	space->exec.args_count = READ(program, argc);
	space->exec.caller_tid = (__u32)context[1];
	write_path(space, READ(mm, exe_file));
	at = space->exec.path_size;
	if (!BOUNDED(at, APUS_PATH_MAX))
		goto untracked;
	space->exec.name_size =
	    WRITE_NAME(space, at, bpf_probe_read_kernel_str, READ(program, filename));
	at += space->exec.name_size;
	if (!BOUNDED(at, APUS_PATH_MAX + APUS_NAME_MAX))
		goto untracked;
	space->exec.args_size = write_args(space, at, mm);
	finish(context, cell, space);
	return 0;
untracked: /* Cannot be either, and would not be silent. */
	FETCH_ADD(&cell->untracked);
	return 0;
}

/* Argument by argument, since there is no new address space that holds them in one piece. */
static __always_inline void write_pointed(struct workspace *space, __u32 at, __u64 vector)
{
	space->exec.args_size = 0;
	space->exec.args_count = 0;
	for (__u32 i = 0; vector && i < POINTERS_MAX; i++) {
		__u32 used = space->exec.args_size;
		__u64 argument = 0;
		long got;
		if (bpf_probe_read_user(&argument, sizeof(argument), (void *)vector)) {
			space->exec.flags |= APUS_EXEC_ARGS_UNREADABLE;
			return;
		}
		if (!argument)
			return;
		if (!BOUNDED(used, APUS_ARGS_MAX - 1))
			break;
		got = bpf_probe_read_user_str(space->payload + at + used, APUS_ARGS_MAX - used,
					      (void *)argument);
		if (got <= 0) {
			space->exec.flags |= APUS_EXEC_ARGS_UNREADABLE;
			return;
		}
		space->exec.args_size = used + got;
		space->exec.args_count = i + 1;
		vector += sizeof(argument);
	}
	if (vector)
		space->exec.flags |= APUS_EXEC_ARGS_TRUNCATED;
}

static __always_inline int on_failure(void *context, long result, bool at_directory)
{
	struct apus_ledger_cell *cell;
	struct task_struct *task;
	struct workspace *space;
	struct call call;
	__u64 sequence;
	__u32 at;
	if (result >= 0 || !knobs.failed)
		return 0;
	cell = ledger_of(APUS_KIND_EXEC);
	if (!cell)
		return 0;
#ifdef APUS_COMPAT
	task = (void *)bpf_get_current_task();
#else
	task = bpf_get_current_task_btf();
#endif
	sequence = FETCH_ADD(&cell->produced) + 1;
	if (filtered(task, cell))
		return 0;
	space = workspace(1);
	if (!space) {
		FETCH_ADD(&cell->untracked);
		return 0;
	}
	call = call_of(at_directory);
	head(&space->exec.header, APUS_KIND_EXEC, sequence);
	describe(&space->exec.process, task);
	space->exec.error = -result;
	space->exec.flags = 0;
	space->exec.path_size = 0;
	space->exec.caller_tid = space->exec.process.tid;
	at = WRITE_NAME(space, 0, bpf_probe_read_user_str, (void *)call.name);
	space->exec.name_size = at;
	if (!BOUNDED(at, APUS_NAME_MAX)) {
		FETCH_ADD(&cell->untracked);
		return 0;
	}
	write_pointed(space, at, call.arguments);
	space->exec.args_length = space->exec.args_size;
	finish(context, cell, space);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int on_execve_failure(struct trace_event_raw_sys_exit *context)
{
	return on_failure(context, context->ret, false);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int on_execveat_failure(struct trace_event_raw_sys_exit *context)
{
	return on_failure(context, context->ret, true);
}

/* Processes whose exit has been told; only asked where two last threads may race. */
struct ended {
	__u64 start_ns;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ended);
	__type(value, __u8);
} told SEC(".maps");

/*
 * 6.16 moved the tracepoint and gave it the argument group_dead (knobs say so). Before, `live` is
 * 0 for the last thread, but also for one that was slower to come here after counting itself out.
 */
static __always_inline bool last_thread(__u64 *context, struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);
	struct ended key;
	__u8 value = 1;
	if (knobs.exit_tells_group_dead)
		return (__u8)context[1];
	if (READ(signal, live.counter))
		return false;
	if (READ(signal, nr_threads) == 1)
		return true;
	key.start_ns = READ(task, group_leader, start_boottime);
	key.pid = READ(task, tgid);
	return !bpf_map_update_elem(&told, &key, &value, BPF_NOEXIST);
}

// Arguments: task, and from 6.16 whether its whole group is gone.
HOOK("sched_process_exit")
int on_exit(__u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct apus_exit exit = {};
	struct apus_ledger_cell *cell;
	struct signal_struct *signal;
	__u64 sequence;
	__u32 status;
	if (!last_thread(context, task))
		return 0;
	cell = ledger_of(APUS_KIND_EXIT);
	if (!cell)
		return 0;
	sequence = FETCH_ADD(&cell->produced) + 1;
	if (filtered(task, cell))
		return 0;
	head(&exit.header, APUS_KIND_EXIT, sequence);
	describe(&exit.process, task);
	signal = READ(task, signal);
	status = READ(signal, flags) & EXIT_GROUP_CODE ? READ(signal, group_exit_code)
						       : READ(task, group_leader, exit_code);
	exit.signal = status & 0x7f;
	exit.code = exit.signal ? 0 : status >> 8 & 0xff;
	exit.flags = status & 0x80 ? APUS_EXIT_CORE_DUMPED : 0;
	exit.lifetime_ns = exit.header.time_ns - exit.process.start_ns;
	emit(context, cell, &exit.header, sizeof(exit));
	return 0;
}
