// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who connected to what by TCP, and how did it end?
//
// No single hook knows. A connect begins at sys_enter_connect, or, when made by io_uring, by a send
// (Fast Open) or by a 32-bit caller, in the cgroup's connect programs, which run before anything is
// sent and see the destination as it will be used. What goes out ends in a state change
// (inet_sock_set_state), mostly in a softirq whose current task is anybody: whose connect it is was
// remembered at its beginning. What does not go out (no route, denied, no port) changes no state,
// or comes back to CLOSE before the socket says why, and is told by the result of its call:
// sys_exit_connect, io_uring_complete, sock_send_length. An entry that is taken out is one event,
// so two failures of one connect are not two.
//
// The errno of an asynchronous failure is in the socket before the state is CLOSE, and a program
// that polls may take it away in between (measured: 3 of 1,800), which sys_exit_getsockopt tells.
// Not seen: why a silent failure of a 32-bit caller failed (counted as untracked); without cgroup2,
// silent failures of io_uring and Fast Open.
//
// Cost on a 2-core 6.18 machine, with sockets.bpf.c: a loop of connect, accept and reset on
// loopback 59 us per turn alone, 66 with both, 82 with the compat objects (medians of five
// interleaved runs). Run time by bpf_stats, compat in brackets: call 1.5 us (2.3), destination
// 0.28, its return 0.56, state change 0.28 (0.33) with the record, 0.13 for any other ring's
// completion.
#include "connect_begin.bpf.h"
#include "connect_end.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define IORING_OP_CONNECT 16

SEC("tracepoint/syscalls/sys_enter_connect")
int on_call(struct trace_event_raw_sys_enter *context)
{
	struct sock *sk = socket_of_descriptor(context->args[0]);
	struct pending fresh = {.in_call = 1};
	struct destination to = {};
	struct pending *found;
	__u64 key = (__u64)sk;
	if (!sk)
		return 0;
	if (read_destination(&to, (void *)context->args[1], context->args[2]) &&
	    to.family == AF_UNSPEC)
		return 0; /* It disconnects. */
	if (!unconnected(sk)) {
		/* After a signal the call is made again, by the kernel or by the program. */
		found = bpf_map_lookup_elem(&connects, &key);
		if (found && found->process.tid == current_tid()) {
			found->interrupted_ns = 0;
			found->in_call = 1;
		}
		return 0;
	}
	found = bpf_map_lookup_elem(&connects, &key);
	if (found && runs(found) && found->process.tid != current_tid())
		return 0; /* Another thread connects the same socket: one of the two will. */
	begin(&fresh, bpf_ktime_get_boot_ns());
	direct(&fresh, &to);
	fresh.flags = fast_open(sk);
	keep(key, &fresh);
	return 0;
}

/*
 * All programs of a cgroup run even when one denies, and those of its ancestors after its own, so
 * this sees each destination as it will be used. It may be preempted: nothing of the CPU's is used.
 */
static __always_inline int on_destination(struct bpf_sock_addr *context,
					  const struct destination *to)
{
	struct bpf_sock *socket = context->sk;
	struct pending fresh = {};
	struct pending *found;
	__u64 key;
	if (context->type != SOCK_STREAM || context->protocol != IPPROTO_TCP)
		return 1;
	key = address_of(socket);
	if (is_subflow((void *)key))
		return 1;
	bpf_get_socket_cookie(context); /* Makes one, where there is none yet. */
	found = bpf_map_lookup_elem(&connects, &key);
	if (found && runs(found)) {
		direct(found, to);
		return 1;
	}
	fresh.flags = fast_open((void *)key) | (on_ring() ? APUS_CONNECT_IO_URING : 0);
	begin(&fresh, bpf_ktime_get_boot_ns());
	direct(&fresh, to);
	keep(key, &fresh);
	return 1;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context)
{
	struct destination to = {
	    .family = context->user_family,
	    .port = context->user_port,
	    .v4 = context->user_ip4,
	};
	return on_destination(context, &to);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context)
{
	struct destination to = {
	    .family = context->user_family,
	    .port = context->user_port,
	    .v6 = {context->user_ip6[0], context->user_ip6[1], context->user_ip6[2],
		   context->user_ip6[3]},
	};
	return on_destination(context, &to);
}

/* In the thread that began it. */
static __always_inline int on_own_result(void *context, struct sock *sk, long result)
{
	__u64 key = (__u64)sk;
	struct pending *pending = sk ? bpf_map_lookup_elem(&connects, &key) : 0;
	if (!pending || pending->process.tid != current_tid())
		return 0;
	return on_result(context, sk, pending, result);
}

SEC("tracepoint/syscalls/sys_exit_connect")
int on_return(struct trace_event_raw_sys_exit *context)
{
	return on_own_result(context, socket_of_call(), context->ret);
}

/*
 * SO_ERROR: a program that polls may take a failure's errno away before the state is CLOSE, and a
 * soft error (an ICMP message that came while a call held the socket) while it stays SYN_SENT.
 */
SEC("tracepoint/syscalls/sys_exit_getsockopt")
int on_error_taken(struct trace_event_raw_sys_exit *context)
{
	struct option_call call = option_of_call();
	struct pending *pending;
	struct sock *sk;
	__u32 error = 0;
	__u64 key;
	if (context->ret || call.level != SOL_SOCKET || call.name != SO_ERROR)
		return 0;
	if (bpf_probe_read_user(&error, sizeof(error), (void *)call.value) || !error)
		return 0;
	sk = socket_of_call();
	key = (__u64)sk;
	pending = sk ? bpf_map_lookup_elem(&connects, &key) : 0;
	if (!pending)
		return 0;
	take_error(context, sk, pending, error);
	return 0;
}

/* Only a send that opens is a connect; what another one says of a socket that connects is not. */
static __always_inline int on_send_result(void *context, struct sock *sk, long result)
{
	__u64 key = (__u64)sk;
	struct pending *pending = sk ? bpf_map_lookup_elem(&connects, &key) : 0;
	if (!pending || !(pending->flags & APUS_CONNECT_FAST_OPEN))
		return 0;
	return on_own_result(context, sk, result);
}

// Arguments: the socket, the result, flags. It ends every send, so most are let go at once.
HOOK("sock_send_length")
int on_send(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	__u8 state = READ(sk, __sk_common.skc_state);
	if (state != TCP_CLOSE && state != TCP_SYN_SENT)
		return 0;
	if (READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	return on_send_result(context, sk, (int)context[1]);
}

// Where there is no sock_send_length (before 6.3).
SEC("tracepoint/syscalls/sys_exit_sendto")
int instead_of_on_send_to(struct trace_event_raw_sys_exit *context)
{
	if (context->ret >= 0)
		return 0;
	return on_send_result(context, socket_of_call(), context->ret);
}

SEC("tracepoint/syscalls/sys_exit_sendmsg")
int instead_of_on_send_message(struct trace_event_raw_sys_exit *context)
{
	if (context->ret >= 0)
		return 0;
	return on_send_result(context, socket_of_call(), context->ret);
}

// Arguments: the ring, the request, and by kernel the completion or its fields.
HOOK("io_uring_complete")
int on_completion(__u64 *context)
{
	struct io_kiocb *request = (void *)context[1];
	struct pending *pending;
	struct sock *sk;
	__u64 key;
	/* Before 5.19 the result lay elsewhere; before 5.18 there was no request either. */
	if (!bpf_core_field_exists(request->cqe))
		return 0;
	if (!request || BPF_CORE_READ(request, opcode) != IORING_OP_CONNECT)
		return 0;
	sk = socket_of_file(BPF_CORE_READ(request, file));
	key = (__u64)sk;
	pending = sk ? bpf_map_lookup_elem(&connects, &key) : 0;
	return pending ? on_result(context, sk, pending, BPF_CORE_READ(request, cqe.res)) : 0;
}

// Argument: the socket. What is left of it then had no result that could be seen: a 32-bit call's,
// or an error that was taken by other means than SO_ERROR.
HOOK("tcp_destroy_sock")
int on_destroy(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	__u64 key = (__u64)sk;
	struct pending *pending = bpf_map_lookup_elem(&connects, &key);
	__u8 scope = pending ? pending->scope : SCOPE_WANTED;
	if (pending && !bpf_map_delete_elem(&connects, &key))
		give_up(scope);
	return 0;
}

/*
 * A connect whose call was not seen begins here: there is no cgroup2, or it would not have us. A
 * function of its own, since two of these records do not fit the stack of one.
 */
static __noinline int on_sent(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct pending *pending = bpf_map_lookup_elem(&connects, &key);
	if (!pending || pending->phase != PHASE_BEGUN) {
		struct pending fresh = {};
		if (is_subflow(sk))
			return 0;
#ifndef APUS_COMPAT
		bpf_get_socket_cookie(sk);
#endif
		begin(&fresh, bpf_ktime_get_boot_ns());
		fresh.flags = on_ring() ? APUS_CONNECT_IO_URING : 0;
		keep(key, &fresh);
		pending = bpf_map_lookup_elem(&connects, &key);
		if (!pending)
			return 0;
	}
	pending->phase = PHASE_SENT;
	pending->stale_error = BPF_CORE_READ(sk, sk_err);
	pending->flags |= fast_open(sk);
	return 0;
}

// Arguments: the socket, its state before and after. It stands last of those that are attached, and
// so is attached first and detached last: what ends between its going and on_stop is untracked.
HOOK("inet_sock_set_state")
int on_state(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	int before = context[1], after = context[2];
	struct pending *pending;
	__u64 key = (__u64)sk;
	if (READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if (after == TCP_SYN_SENT)
		return on_sent(sk);
	if (before != TCP_SYN_SENT && before != TCP_SYN_RECV)
		return 0;
	pending = bpf_map_lookup_elem(&connects, &key);
	/* A connection that comes in is in SYN_RECV too. */
	if (before == TCP_SYN_RECV && (!pending || pending->phase != PHASE_CROSSED))
		return 0;
	if (!pending && is_subflow(sk))
		return 0;
	if (after == TCP_CLOSE)
		return on_close(context, sk, before, pending);
	if (after == TCP_SYN_RECV) {
		if (pending)
			pending->phase = PHASE_CROSSED;
	} else if (pending) {
		tell(context, sk,
		     after == TCP_ESTABLISHED ? APUS_CONNECT_ESTABLISHED : APUS_CONNECT_ABANDONED,
		     0);
	} else if (after == TCP_ESTABLISHED) {
		tell_unseen(context, sk, APUS_CONNECT_ESTABLISHED, 0);
	}
	return 0;
}

static long stop(void *map, __u64 *key, struct pending *pending, void **context)
{
	struct sock *sk = (void *)*key;
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u8 phase = pending->phase, scope = pending->scope;
	if ((phase == PHASE_SENT && state == TCP_SYN_SENT) ||
	    (phase == PHASE_CROSSED && state == TCP_SYN_RECV))
		tell(*context, sk, APUS_CONNECT_PENDING, 0);
	else if (!bpf_map_delete_elem(&connects, key))
		give_up(scope);
	return 0;
}

/* Never attached: user space runs it once, when the others are detached. */
SEC("raw_tp")
int on_stop(void *context)
{
	bpf_for_each_map_elem(&connects, stop, &context, 0);
	return 0;
}
