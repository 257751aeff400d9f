/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connect between its beginning and its outcome, and the one place where the outcome is told. */
#pragma once
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "process.bpf.h"
#include "slots.bpf.h"
#include "socket_cgroup.bpf.h"
#include "sockets.bpf.h"

#define EPERM	      1
#define EINTR	      4
#define EAGAIN	      11
#define EACCES	      13
#define ENETDOWN      100
#define ENETUNREACH   101
#define ECONNRESET    104
#define EISCONN	      106
#define ETIMEDOUT     110
#define ECONNREFUSED  111
#define EHOSTDOWN     112
#define EHOSTUNREACH  113
#define EALREADY      114
#define EINPROGRESS   115
#define ECANCELED     125
#define ERESTARTSYS   512 /* and up to 516 how a call says that a signal ended it */
#define ERESTART_LAST 516
#define SHUTDOWN_MASK 3

enum phase {
	PHASE_BEGUN = 0,   /* nothing is known to have been sent */
	PHASE_SENT = 1,	   /* SYN_SENT */
	PHASE_CROSSED = 2, /* SYN_RECV: the other side connects to this one as well */
	PHASE_CLOSED = 3,  /* it failed inside the call, whose result is to tell the errno */
};

enum scope {
	SCOPE_WANTED = 0,
	SCOPE_SELF = 1,
	SCOPE_OTHER = 2,
};

struct pending {
	struct apus_process process;
	struct apus_ends ends; /* as asked, then as closed; in between the socket knows better */
	__u64 begun_ns;
	__u64 interrupted_ns; /* 0: was not */
	__u64 taken_ns;	      /* when taken_error was */
	__u16 flags;	      /* enum apus_connect_flags */
	__u8 phase;
	__u8 scope;
	__u8 in_call; /* the system call connect is known to be running */
	__u8 reserved[3];
	__u32 stale_error; /* in sk_err already when it began, by an earlier disconnect */
	__u32 barrier;
	__u32 reserved_too;
	__u32 taken_error; /* by getsockopt out of the socket, which then no longer says it */
};

/*
 * By the address of the struct sock; the end of the socket is the end of its entry, so none is
 * stale, but for one whose end goes unseen: see keep() and runs(). What finds no room is untracked.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct pending);
} connects SEC(".maps");

static __always_inline __u16 outcome_of(__u32 error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return APUS_CONNECT_DENIED;
	case EINTR:
		return APUS_CONNECT_INTERRUPTED;
	case ECONNREFUSED:
		return APUS_CONNECT_REFUSED;
	case ETIMEDOUT:
		return APUS_CONNECT_TIMED_OUT;
	case ECONNRESET:
		return APUS_CONNECT_RESET;
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
		return APUS_CONNECT_UNREACHABLE;
	default:
		return APUS_CONNECT_FAILED;
	}
}

static __always_inline bool is_interruption(__u32 error)
{
	return error == EINTR || (error >= ERESTARTSYS && error <= ERESTART_LAST);
}

/* Of a connect whose caller was not seen: that of the socket's owner, or what the socket tells. */
static __always_inline __u8 scope_of(struct sock *sk, const struct apus_owner *owner)
{
	if (owner && knobs.self_pid && owner->process.pid == knobs.self_pid)
		return SCOPE_SELF;
	return wants_socket(sk, owner) ? SCOPE_WANTED : SCOPE_OTHER;
}

static __always_inline bool counted_out(struct apus_ledger_cell *cell, __u8 scope)
{
	if (scope == SCOPE_SELF)
		FETCH_ADD(&cell->filtered_self);
	else if (scope == SCOPE_OTHER)
		FETCH_ADD(&cell->filtered_scope);
	return scope != SCOPE_WANTED;
}

/* A connect whose outcome will never be known. */
static __always_inline void give_up(__u8 scope)
{
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_CONNECT);
	if (!cell)
		return;
	FETCH_ADD(&cell->produced);
	if (!counted_out(cell, scope))
		FETCH_ADD(&cell->untracked);
}

/* Called where the current task is the one that connects. Where to is not filled in. */
static __always_inline void begin(struct pending *pending, __u64 begun_ns)
{
	struct task_struct *task = current_task();
	pending->begun_ns = begun_ns;
	describe(&pending->process, task);
	if (knobs.self_pid && pending->process.pid == knobs.self_pid)
		pending->scope = SCOPE_SELF;
	else
		pending->scope = in_scope(task) ? SCOPE_WANTED : SCOPE_OTHER;
}

static __always_inline void keep(__u64 key, const struct pending *pending)
{
	struct pending *before = bpf_map_lookup_elem(&connects, &key);
	__u8 scope = before ? before->scope : SCOPE_WANTED;
	/* An earlier one of the same socket whose end was not seen. */
	if (before && !bpf_map_delete_elem(&connects, &key))
		give_up(scope);
	if (bpf_map_update_elem(&connects, &key, pending, BPF_ANY))
		give_up(pending->scope);
}

static __always_inline void count(const struct apus_connect *record)
{
	struct apus_slot_key key = {
	    .key = record->process.cgroup_key,
	    .what = record->outcome << 12 | (record->error & 0xfff),
	};
	__u32 slot = find_slot(&key, 0);
	if (!(record->flags & APUS_CONNECT_BEFORE_AGENT))
		observe(slot, record->latency_ns);
	observe_amount(slot, 1);
}

/* The record's process and flags, outcome and error are there; `begun_ns` 0: not known. */
static __always_inline void finish(void *context, struct apus_connect *record, __u8 scope,
				   __u64 begun_ns, __u64 ended_ns)
{
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_CONNECT);
	__u64 sequence;
	if (!cell)
		return;
	sequence = FETCH_ADD(&cell->produced) + 1;
	if (counted_out(cell, scope))
		return;
	head(&record->header, APUS_KIND_CONNECT, sequence);
	if (begun_ns)
		record->latency_ns = (ended_ns ? ended_ns : record->header.time_ns) - begun_ns;
	if (knobs.slot_by == APUS_SLOT_BY_ALL)
		count(record);
	emit(context, cell, &record->header, sizeof(*record));
}

/*
 * Whoever takes the entry out tells the outcome: a softirq and the end of the call may both come
 * with one. `sk` is the entry's key and need not be a socket any more.
 */
static __noinline void tell(void *context, struct sock *sk, __u16 outcome, __u32 error)
{
	struct apus_connect record = {.outcome = outcome, .error = error};
	__u64 key = (__u64)sk, begun_ns, interrupted_ns, ended_ns = 0;
	struct pending *pending = bpf_map_lookup_elem(&connects, &key);
	__u8 phase, scope;
	if (!pending)
		return;
	record.process = pending->process;
	record.flags = pending->flags;
	begun_ns = pending->begun_ns;
	if (error && error == pending->taken_error)
		ended_ns = pending->taken_ns;
	interrupted_ns = pending->interrupted_ns;
	phase = pending->phase;
	scope = pending->scope;
	record.ends = pending->ends;
	if (phase == PHASE_SENT || phase == PHASE_CROSSED)
		write_ends(&record.ends, sk);
	else if (phase == PHASE_BEGUN)
		write_bound(&record.ends, sk);
	write_names(&record.ends, sk);
	if (interrupted_ns && outcome == APUS_CONNECT_ABANDONED) {
		record.outcome = APUS_CONNECT_INTERRUPTED;
		record.error = EINTR;
		ended_ns = interrupted_ns;
	} else if (interrupted_ns) {
		/* A send that a signal ended and the kernel made again has its request there. */
		if (!BPF_CORE_READ((struct tcp_sock *)sk, fastopen_req, data))
			record.flags |= APUS_CONNECT_WAS_INTERRUPTED;
	}
	if (bpf_map_delete_elem(&connects, &key))
		return;
	finish(context, &record, scope, begun_ns, ended_ns);
}

/* A connect that was under way when this was attached: all that is known is who has the socket. */
static __noinline void tell_unseen(void *context, struct sock *sk, __u16 outcome, __u32 error)
{
	struct apus_connect record = {.outcome = outcome, .error = error};
	__u64 key = (__u64)sk;
	struct apus_owner *owner = bpf_map_lookup_elem(&owners, &key);
	record.flags = APUS_CONNECT_BEFORE_AGENT;
	if (owner) {
		record.process = owner->process;
	} else {
		record.flags |= APUS_CONNECT_NO_OWNER;
		record.process.cgroup_key = key_of_socket(sk);
	}
	write_ends(&record.ends, sk);
	write_names(&record.ends, sk);
	finish(context, &record, scope_of(sk, owner), 0, 0);
}
