/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything the kernel half and the Swift half share: kinds, record layouts, histogram shape,
 * knobs, the loss ledger's cell. Both compile this very file, so there is no second declaration.
 */
#pragma once
#ifndef __bpf__
#include <linux/types.h>
#endif

#define APUS_COMM_LEN 16

/* Kinds index the ledger; 0 is never a record. */
enum apus_kind {
	APUS_KIND_NONE = 0,
	APUS_KIND_EXEC = 1,
	APUS_KIND_EXIT = 2,
	APUS_KIND_RUNQUEUE = 3, /* aggregated in the kernel: ledger cell only, never a record */
	APUS_KIND_COUNT = 4,
};

/*
 * Starts every record. `sequence` is the ledger's `produced` of this kind on this CPU, so that
 * (boot id, ledger epoch, kind, cpu, sequence) names a record for ever.
 */
struct apus_header {
	__u32 size; /* of the whole record, header included */
	__u16 kind;
	__u16 cpu;
	__u64 sequence;
	__u64 time_ns; /* CLOCK_BOOTTIME */
};

/*
 * One per kind and CPU. produced = records handed to the ring + the other counters, at any quiet
 * moment. `produced` is counted at the hook, before any filter and before the reserve. Of
 * APUS_KIND_RUNQUEUE: produced = waits in the histograms + the other counters.
 */
struct apus_ledger_cell {
	__u64 produced;
	__u64 filtered_self;  /* the agent's own processes */
	__u64 filtered_scope; /* outside the pid, uid or cgroup that was asked for */
	__u64 ring_full;      /* the reserve or output failed */
	__u64 untracked; /* state needed for the event was not there (began before, no storage) */
	__u64 reserved[3];
};

/* Bits 60 and 61 of a cgroup key name the hierarchy; a key is positive as a signed number. */
#define APUS_CGROUP_V2	      (0ULL << 60)
#define APUS_CGROUP_V1_CPU    (1ULL << 60)
#define APUS_CGROUP_V1_MEMORY (2ULL << 60)
#define APUS_CGROUP_HIERARCHY (3ULL << 60)

/* Whose event it is, as read in the kernel at the hook. Ids are those of the initial namespaces. */
struct apus_process {
	__u32 pid; /* thread group id */
	__u32 tid;
	__u32 parent_pid;
	__u32 namespace_pid; /* pid as seen in the process's own pid namespace */
	__u32 uid;
	__u32 euid;
	__u32 gid;
	__u32 egid;
	__u32 login_uid; /* 4294967295 when unset */
	__u32 session_id;
	__u32 pid_namespace; /* inode numbers */
	__u32 mount_namespace;
	__u64 start_ns; /* CLOCK_BOOTTIME at which the thread group leader was forked */
	__u64 parent_start_ns;
	__u64 cgroup_key;
	char comm[APUS_COMM_LEN];
};

#define APUS_ARGS_MAX 8192 /* bytes of argument vector carried */
#define APUS_PATH_MAX 4096 /* bytes of executable path carried */
#define APUS_NAME_MAX 1024 /* bytes of the name as invoked carried */

enum apus_exec_flags {
	APUS_EXEC_ARGS_TRUNCATED = 1 << 0,
	APUS_EXEC_ARGS_UNREADABLE = 1 << 1,
	APUS_EXEC_PATH_TRUNCATED = 1 << 2,
	APUS_EXEC_PATH_UNREADABLE = 1 << 3,
	APUS_EXEC_PATH_DELETED = 1 << 4, /* no name left in the file system: deleted, or a memfd */
	APUS_EXEC_NAME_TRUNCATED = 1 << 5,
	APUS_EXEC_NAME_UNREADABLE = 1 << 6,
	APUS_EXEC_SCRIPT = 1 << 7, /* `name` is a script, `path` its interpreter */
};

/*
 * Followed by `path_size` bytes of the executable's absolute path, components from the leaf to the
 * root separated by '/', without NUL ("true/bin/usr"); `name_size` bytes of the name as invoked,
 * without NUL; `args_size` bytes of the argument vector, each argument ended by NUL (the last may
 * be cut).
 */
struct apus_exec {
	struct apus_header header;
	struct apus_process process;
	__u32 error; /* 0, or the positive errno of an exec that failed (then path_size is 0) */
	__u32 flags;
	__u32 args_length; /* true length in bytes, also when truncated; of a failed exec what was
			      read */
	__u32 args_count;
	__u32 args_size;
	__u32 path_size;
	__u32 name_size;
	__u32 caller_tid; /* the thread that called exec; differs from pid when it was not the
			     leader */
};

enum apus_exit_flags {
	APUS_EXIT_CORE_DUMPED = 1 << 0,
};

/* One per process, at the exit of its last thread. */
struct apus_exit {
	struct apus_header header;
	struct apus_process process;
	__u32 code;   /* exit status, 0 when killed */
	__u32 signal; /* 0 when it exited by itself */
	__u32 flags;
	__u32 reserved;
	__u64 lifetime_ns; /* since start_ns */
};

/*
 * Base-2 exponential histogram, scale 3, edges in seconds (facts and proof: exphist.bpf.h).
 * buckets[i] counts durations in (2^((OFFSET+i)/8) s, 2^((OFFSET+i+1)/8) s]; the last also takes
 * what is longer. zero counts durations of at most 2^(OFFSET/8) s = 119 ns.
 * Counters run freely and wrap; the reader adds differences modulo 2^32.
 */
#define APUS_HIST_SCALE	  3
#define APUS_HIST_BUCKETS 240
#define APUS_HIST_OFFSET  (-184)

struct apus_hist {
	__u32 buckets[APUS_HIST_BUCKETS];
	__u32 zero;
	__u32 above; /* of the last bucket, how many lie beyond its upper edge */
	__u64 sum_ns;
	__u64 reserved[6];
};

/* Per slot and CPU. Both only grow, so a zeroed entry is an empty one. */
struct apus_extremes {
	__u64 max_ns;
	__u64 min_ns_inverted; /* ~min */
};

/*
 * What a histogram slot is kept for; slot 0 takes what found no slot (still a wait delivered, so
 * not counted as untracked). To retire a key: delete it from `slots`, add 1 to `slots_epoch` (the
 * u32 in map .data.epoch, which voids the slots that tasks remember), drain, then push to
 * `free_slots`.
 */
struct apus_slot {
	__u32 slot;
	__u32 reserved;
	char comm[APUS_COMM_LEN]; /* of the task that opened the slot, when the key is a process */
};

#define APUS_SLOT_OVERFLOW 0

enum apus_slot_key {
	APUS_SLOT_BY_CGROUP = 0,
	APUS_SLOT_BY_NOTHING = 1, /* one histogram, key 0 */
	APUS_SLOT_BY_PROCESS = 2,
	APUS_SLOT_BY_THREAD = 3,
	APUS_SLOT_BY_PID_NAMESPACE = 4,
};

/* Read-only before load (section .rodata.knobs), so that the verifier removes what is not asked. */
struct apus_knobs {
	__u64 cgroup_key; /* only this cgroup and those below it; 0 is all */
	__u32 self_pid;	  /* the agent; 0 excludes nothing */
	__u32 pid;	  /* only this process; 0 is all */
	__u32 uid;	  /* only this real user; 4294967295 is all */
	__u32 wake_bytes; /* ring backlog at which the reader is woken */
	__u32 failed;	  /* execve: also emit execs that failed */
	__u32 slot_key;	  /* runqlat: enum apus_slot_key */
	__u32 replicas;	  /* histogram copies per slot: cpu modulo this; a power of two */
	__u32 exit_tells_group_dead; /* sched_process_exit has the argument group_dead (6.16) */
	__u32 cpus;		     /* possible CPUs */
	__u32 log2_unit_ns; /* runqlat: bucket i counts waits of [2^i, 2^(i+1)) such units */
};

_Static_assert(sizeof(struct apus_header) == 24, "header is ABI");
_Static_assert(sizeof(struct apus_ledger_cell) == 64, "ledger cell is one cache line");
_Static_assert(sizeof(struct apus_process) == 88, "process is ABI");
_Static_assert(sizeof(struct apus_exec) == 144, "exec is ABI");
_Static_assert(sizeof(struct apus_exit) == 136, "exit is ABI");
_Static_assert(sizeof(struct apus_hist) == 1024, "histogram is a power of two");
_Static_assert(sizeof(struct apus_extremes) == 16, "extremes is ABI");
_Static_assert(sizeof(struct apus_slot) == 24, "slot is ABI");
_Static_assert(sizeof(struct apus_knobs) == 48, "knobs is ABI");
