/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What decides a connect's outcome: the socket's error, its own side, or the result of a call. */
#pragma once
#include "connect_begin.bpf.h"

/*
 * A failure's errno was given to the program, and taken out of the socket, when the state was not
 * CLOSE yet, or is at this moment becoming it on another CPU: of that one's writing of the phase
 * and the writing here, each before a barrier and a reading of the other, one is seen.
 */
static __always_inline void take_error(void *context, struct sock *sk, struct pending *pending,
				       __u32 error)
{
	pending->taken_ns = bpf_ktime_get_boot_ns();
	pending->taken_error = error;
	__sync_fetch_and_add(&pending->barrier, 1);
	if (*(volatile __u8 *)&pending->phase == PHASE_CLOSED)
		tell(context, sk, outcome_of(error), error);
}

/*
 * A socket that is closed without an error was closed by its own side, or its connect failed before
 * anything went out: then the socket is still marked unconnected, and the errno is the call's
 * result. A running call has the result also when another thread shuts the socket down; close
 * cannot come before its end, and sets both directions shut first. What is left was a failure
 * whose errno somebody took out of the socket between its being set and this: see on_error_taken.
 */
static __always_inline bool call_decides(struct sock *sk, struct pending *pending)
{
	struct tcp_sock *tcp = (void *)sk;
	if (BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED)
		return true;
	if (BPF_CORE_READ(sk, sk_shutdown) == SHUTDOWN_MASK)
		return false;
	return pending->in_call || BPF_CORE_READ(tcp, fastopen_req, data) || !disconnecting();
}

/* The socket forgets its ends before the call returns. */
static __always_inline void await_result(void *context, struct sock *sk, struct pending *pending)
{
	__u32 error;
	write_ends(&pending->ends, sk);
	if (BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED)
		pending->ends.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	pending->phase = PHASE_CLOSED;
	__sync_fetch_and_add(&pending->barrier, 1);
	error = *(volatile __u32 *)&pending->taken_error;
	if (error)
		tell(context, sk, outcome_of(error), error);
}

static __always_inline int on_close(void *context, struct sock *sk, int before,
				    struct pending *pending)
{
	__u32 error = BPF_CORE_READ(sk, sk_err);
	if (!pending) {
		if (error)
			tell_unseen(context, sk, outcome_of(error), error);
		else if (BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED)
			give_up(SCOPE_WANTED);
		else
			tell_unseen(context, sk, APUS_CONNECT_ABANDONED, 0);
		return 0;
	}
	if (before == TCP_SYN_SENT && error == pending->stale_error)
		error = 0;
	if (!error)
		error = pending->taken_error;
	if (error)
		tell(context, sk, outcome_of(error), error);
	else if (call_decides(sk, pending))
		await_result(context, sk, pending);
	else
		tell(context, sk, APUS_CONNECT_ABANDONED, 0);
	return 0;
}

/*
 * The end of a call that connects. It tells the outcome of what failed before anything went out;
 * else it at most takes note that a signal ended the call, for the connect goes on without it.
 */
static __always_inline int on_result(void *context, struct sock *sk, struct pending *pending,
				     long result)
{
	__u32 error = result < 0 ? -result : 0;
	__u64 key = (__u64)sk;
	__u8 phase = pending->phase;
	pending->in_call = 0;
	if (!error || error == EINPROGRESS || error == EALREADY || error == EISCONN) {
		/* It was no connect, or lost the race to another thread's. */
		if (phase == PHASE_BEGUN)
			bpf_map_delete_elem(&connects, &key);
		else if (phase == PHASE_CLOSED)
			tell(context, sk, APUS_CONNECT_ABANDONED, 0);
	} else if (phase == PHASE_SENT || phase == PHASE_CROSSED) {
		if (is_interruption(error))
			pending->interrupted_ns = bpf_ktime_get_boot_ns();
		else if (error != ECANCELED && error != EAGAIN)
			take_error(context, sk, pending, error);
	} else {
		error = is_interruption(error) ? EINTR : error;
		tell(context, sk, outcome_of(error), error);
	}
	return 0;
}
