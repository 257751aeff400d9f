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
	APUS_KIND_CONNECT = 4,
	APUS_KIND_RETRANSMIT = 5,
	APUS_KIND_BLOCK = 6, /* aggregated, too: requests to block devices */
	APUS_KIND_COUNT = 7,
};

/*
 * Starts every record. `sequence` is the ledger's `produced` of this kind on this CPU, so that
 * (boot id, ledger epoch, kind, cpu, sequence) names a record for ever; in the compat build, which
 * has no fetching atomics, a softirq in the wrong moment may give two records one number.
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
#define APUS_CGROUP_V1_BLKIO  (3ULL << 60)
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

enum apus_ends_flags {
	APUS_ENDS_V4_MAPPED = 1 << 0, /* an AF_INET6 socket that speaks IPv4 */
};

/* Both ends of a TCP connection, as the local socket sees them. */
struct apus_ends {
	__u8 local[16]; /* network order; IPv4 in the first four bytes */
	__u8 remote[16];
	__u16 local_port; /* host order; 0 when none was taken yet */
	__u16 remote_port;
	__u16 family; /* AF_INET, of v4-mapped addresses too, or AF_INET6; 0 when unknown */
	__u16 flags;
	__u32 net_namespace; /* inode number */
	__u32 reserved;
	__u64 cookie; /* of the socket, SO_COOKIE; 0 when the kernel has made none yet */
};

enum apus_owner_origin {
	APUS_OWNER_NONE = 0,
	APUS_OWNER_CONNECTED = 1, /* called connect */
	APUS_OWNER_LISTENED = 2,  /* called listen */
	APUS_OWNER_ACCEPTED = 3,  /* accept returned the socket to it */
	APUS_OWNER_LISTENER = 4,  /* listens where the connection came in; not accepted yet */
	APUS_OWNER_PRIMED = 5,	  /* had it open when the agent started: the oldest that had */
};

/* Whose a TCP socket is: who opened it, even when it was shared or passed on since. */
struct apus_owner {
	struct apus_process process;
	__u32 origin;
	__u32 outside; /* of the scope that was asked for, by the process as it then was */
};

/* How a connect ended. Values are ABI: they are part of histogram keys. */
enum apus_connect_outcome {
	APUS_CONNECT_ESTABLISHED = 1,
	APUS_CONNECT_REFUSED = 2,     /* ECONNREFUSED */
	APUS_CONNECT_TIMED_OUT = 3,   /* ETIMEDOUT */
	APUS_CONNECT_UNREACHABLE = 4, /* ENETUNREACH, EHOSTUNREACH and their like */
	APUS_CONNECT_RESET = 5,	      /* ECONNRESET */
	APUS_CONNECT_DENIED = 6,      /* EPERM, EACCES */
	APUS_CONNECT_INTERRUPTED =
	    7,			    /* EINTR: a signal ended the call, the socket was then closed */
	APUS_CONNECT_ABANDONED = 8, /* closed by its own side before an outcome; no errno */
	APUS_CONNECT_PENDING = 9,   /* no outcome yet when the agent stopped; no errno */
	APUS_CONNECT_FAILED = 10,   /* any other errno */
	APUS_CONNECT_OUTCOMES = 11,
};

enum apus_connect_flags {
	APUS_CONNECT_BEFORE_AGENT = 1 << 0, /* its beginning was not seen: no latency */
	APUS_CONNECT_IO_URING = 1 << 1,
	APUS_CONNECT_FAST_OPEN = 1 << 2,       /* by sendto or sendmsg with MSG_FASTOPEN */
	APUS_CONNECT_WAS_INTERRUPTED = 1 << 3, /* the call returned EINTR, the connect went on */
	APUS_CONNECT_NO_OWNER = 1 << 4,	       /* `process` is empty */
};

/* One per active connect, at its outcome. */
struct apus_connect {
	struct apus_header header;
	struct apus_process process; /* that called connect */
	struct apus_ends ends;
	__u64 latency_ns; /* from the call to the outcome */
	__u32 error;	  /* positive errno, or 0 */
	__u16 outcome;
	__u16 flags;
};

enum apus_retransmit_cause {
	APUS_RETRANSMIT_OTHER = 0,
	APUS_RETRANSMIT_TIMEOUT = 1, /* of the retransmission timer, and what follows in recovery */
	APUS_RETRANSMIT_FAST = 2,    /* duplicate or selective acknowledgements */
	APUS_RETRANSMIT_PROBE = 3,   /* tail-loss probe */
	APUS_RETRANSMIT_SYN = 4,
	APUS_RETRANSMIT_SYN_ACK = 5,
	APUS_RETRANSMIT_CAUSES = 6,
};

/* One per call of the kernel that retransmits; it may cover several segments. */
struct apus_retransmit {
	struct apus_header header;
	struct apus_process process; /* that owns the socket; its cgroup_key is the socket's own */
	struct apus_ends ends;
	__u64 srtt_us;	/* smoothed round-trip time, 0 before the first measurement */
	__u32 segments; /* as TcpRetransSegs counts; 0 when it was refused before it was tried */
	__u32 length;	/* bytes of payload in them */
	__u32 sequence; /* of the first byte */
	__u32 error;	/* positive errno when the segments could not be sent, else 0 */
	__u16 state;	/* of the socket: TCP_ESTABLISHED is 1, as in the kernel */
	__u16 cause;	/* enum apus_retransmit_cause */
	__u32 origin;	/* enum apus_owner_origin; APUS_OWNER_NONE: `process` is empty */
};

/* What a request to a block device does. Values are ABI: they are part of histogram keys. */
enum apus_block_operation {
	APUS_BLOCK_OTHER = 0,
	APUS_BLOCK_READ = 1,
	APUS_BLOCK_WRITE = 2,
	APUS_BLOCK_FLUSH = 3,
	APUS_BLOCK_DISCARD = 4,
	APUS_BLOCK_SECURE_ERASE = 5,
	APUS_BLOCK_WRITE_ZEROES = 6,
	APUS_BLOCK_ZONE = 7,   /* append, open, close, finish, reset */
	APUS_BLOCK_DRIVER = 8, /* pass-through: of the driver or SCSI itself */
	APUS_BLOCK_OPERATIONS = 9,
};

/*
 * `what` of a slot by flags: the operation in the low four bits, then the request's flags, so that
 * it does not depend on the kernel's own numbers, which move.
 */
#define APUS_BLOCK_FLAG_OPERATION 0xf
enum apus_block_flags {
	APUS_BLOCK_FLAG_SYNC = 1 << 4,
	APUS_BLOCK_FLAG_META = 1 << 5,
	APUS_BLOCK_FLAG_PRIO = 1 << 6,
	APUS_BLOCK_FLAG_NOMERGE = 1 << 7,
	APUS_BLOCK_FLAG_IDLE = 1 << 8,
	APUS_BLOCK_FLAG_INTEGRITY = 1 << 9,
	APUS_BLOCK_FLAG_FUA = 1 << 10,
	APUS_BLOCK_FLAG_PREFLUSH = 1 << 11,
	APUS_BLOCK_FLAG_READAHEAD = 1 << 12,
	APUS_BLOCK_FLAG_BACKGROUND = 1 << 13,
	APUS_BLOCK_FLAG_NOWAIT = 1 << 14,
	APUS_BLOCK_FLAG_OUT = 1 << 15, /* of a pass-through: data go to the device */
};

/* Which span of a request's life a histogram measures. */
enum apus_block_part {
	APUS_BLOCK_DEVICE = 1, /* from the issue to the completion */
	APUS_BLOCK_QUEUE =
	    2, /* from the insertion into a scheduler to the issue, where there is one */
	APUS_BLOCK_WHOLE = 3, /* from the insertion, or else the issue, to the completion */
};

/*
 * Base-2 exponential histogram, scale 3, edges in seconds (facts and proof: exphist.bpf.h).
 * buckets[i] counts durations in (2^((OFFSET+i)/8) s, 2^((OFFSET+i+1)/8) s], up to 512 s, and the
 * one more whatever is longer. zero counts durations of at most 2^(OFFSET/8) s = 119 ns.
 * Counters run freely and wrap; the reader adds differences modulo 2^32.
 */
#define APUS_HIST_SCALE	  3
#define APUS_HIST_BUCKETS 256
#define APUS_HIST_OFFSET  (-184)

struct apus_hist {
	__u32 buckets[APUS_HIST_BUCKETS + 1];
	__u32 zero;
	__u64 sum_ns;
	__u64 amount; /* what the probe counts besides: bytes, segments, connects */
	__u64 reserved[5];
};

/* Per slot and CPU. Both only grow, so a zeroed entry is an empty one. */
struct apus_extremes {
	__u64 max_ns;
	__u64 min_ns_inverted; /* ~min */
};

/* What a histogram is told apart by; what a probe does not tell apart is 0. */
struct apus_slot_key {
	__u64 key;    /* a cgroup key, or an id as enum apus_slot_by says */
	__u32 device; /* block: major << 20 | minor */
	__u16
	    what; /* connect: outcome << 12 | errno; retransmit: cause; block: operation or flags */
	__u16 part; /* block: enum apus_block_part */
};

/*
 * What a histogram slot is kept for. The first slots, one for each part, take what found no slot
 * (still counted, so not as untracked). To retire a key: delete it from `slots`, add 1 to
 * `slots_epoch` (the u32 in map .data.epoch, which voids the slots that tasks remember), drain,
 * then push to `free_slots`.
 */
struct apus_slot {
	__u32 slot;
	__u32 reserved;
	char comm[APUS_COMM_LEN]; /* of the task that opened the slot, when the key is a process */
};

#define APUS_SLOT_OVERFLOWS 4

enum apus_slot_by {
	APUS_SLOT_BY_CGROUP = 0,
	APUS_SLOT_BY_NOTHING = 1, /* one histogram, key 0 */
	APUS_SLOT_BY_PROCESS = 2,
	APUS_SLOT_BY_THREAD = 3,
	APUS_SLOT_BY_PID_NAMESPACE = 4,
	APUS_SLOT_BY_DEVICE = 5, /* block: `device` alone */
	APUS_SLOT_BY_FLAGS = 6,	 /* block: `what` is the request's flags, see APUS_BLOCK_FLAG_… */
	APUS_SLOT_BY_ALL = 7,	 /* all fields of the key that the probe knows */
};

/* Read-only before load (section .rodata.knobs), so that the verifier removes what is not asked. */
struct apus_knobs {
	__u64 cgroup_key; /* only this cgroup and those below it; 0 is all */
	__u32 self_pid;	  /* the agent; 0 excludes nothing */
	__u32 pid;	  /* only this process; 0 is all */
	__u32 uid;	  /* only this real user; 4294967295 is all */
	__u32 wake_bytes; /* ring backlog at which the reader is woken */
	__u32 failed;	  /* execve: also emit execs that failed */
	__u32 slot_by;	  /* enum apus_slot_by */
	__u32 replicas;	  /* histogram copies per slot: cpu modulo this; a power of two */
	__u32 exit_tells_group_dead;  /* sched_process_exit has the argument group_dead (6.16) */
	__u32 cpus;		      /* possible CPUs */
	__u32 log2_unit_ns;	      /* bucket i counts spans of [2^i, 2^(i+1)) such units */
	__u32 perf_buffer;	      /* records go to the perf buffer, not to the ring */
	__u32 device;		      /* biolatency: only this one, major << 20 | minor; 0 is all */
	__u32 parts;		      /* biolatency: a bit 1 << part for each that is measured */
	__u32 retransmit_tells_error; /* tcp_retransmit_skb has the argument err (6.17) */
	__u32 block_tells_queue; /* block_rq_* have the argument request_queue first (to 5.10) */
	__u32 reserved;
};

_Static_assert(sizeof(struct apus_header) == 24, "header is ABI");
_Static_assert(sizeof(struct apus_ledger_cell) == 64, "ledger cell is one cache line");
_Static_assert(sizeof(struct apus_process) == 88, "process is ABI");
_Static_assert(sizeof(struct apus_exec) == 144, "exec is ABI");
_Static_assert(sizeof(struct apus_exit) == 136, "exit is ABI");
_Static_assert(sizeof(struct apus_ends) == 56, "ends is ABI");
_Static_assert(sizeof(struct apus_owner) == 96, "owner is ABI");
_Static_assert(sizeof(struct apus_connect) == 184, "connect is ABI");
_Static_assert(sizeof(struct apus_retransmit) == 200, "retransmit is ABI");
_Static_assert(sizeof(struct apus_slot_key) == 16, "slot key is ABI");
_Static_assert(sizeof(struct apus_hist) == 1088, "histogram is whole cache lines");
_Static_assert(sizeof(struct apus_extremes) == 16, "extremes is ABI");
_Static_assert(sizeof(struct apus_slot) == 24, "slot is ABI");
_Static_assert(sizeof(struct apus_knobs) == 72, "knobs is ABI");
