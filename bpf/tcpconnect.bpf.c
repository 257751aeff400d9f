// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who connected to what by TCP, and how did it end?
#include "call.bpf.h"
#include "connect.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SOCK_STREAM	  1
#define IORING_OP_CONNECT 16
#define IO_URING_ENTER	  426 /* on every machine */
#define NO_CALL		  (-1)
#define PF_IO_WORKER	  0x10
#define PF_KTHREAD	  0x200000

/* As struct sockaddr_in6, which begins as struct sockaddr_in does. */
struct destination {
	__u16 family;
	__be16 port;
	__u32 v4; /* of an IPv6 address the flow label */
	__u32 v6[4];
};

static __always_inline void direct(struct pending *pending, const struct destination *to)
{
	struct apus_ends *ends = &pending->ends;
	bool mapped = to->family == AF_INET6 && maps_v4(to->v6);
	__u32 v4[4] = {to->v4};
	ends->remote_port = from_network(to->port);
	ends->family = to->family;
	ends->flags = 0;
	if (to->family == AF_INET) {
		write_address(ends->remote, v4, false);
	} else if (to->family == AF_INET6) {
		write_address(ends->remote, to->v6, mapped);
		ends->family = mapped ? AF_INET : AF_INET6;
		ends->flags = mapped ? APUS_ENDS_V4_MAPPED : 0;
	} else {
		ends->family = 0;
		ends->remote_port = 0;
	}
}

/* What user space passed. False: it lies in a page that was never touched, or is too short. */
static __always_inline bool read_destination(struct destination *to, const void *address,
					     __u64 length)
{
	if (length < sizeof(to->family) || bpf_probe_read_user(&to->family, 2, address))
		return false;
	if (to->family == AF_INET && length >= 16)
		return !bpf_probe_read_user(to, 16, address);
	if (to->family == AF_INET6 && length >= 24)
		return !bpf_probe_read_user(to, 24, address);
	return true;
}

/* Whether a connect would be a new one, by the same states by which the kernel decides. */
static __always_inline bool unconnected(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE &&
	       BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED;
}

static __always_inline __u32 current_tid(void)
{
	return bpf_get_current_pid_tgid();
}

/* A send that opens has its request there before it connects; the option is set before. */
static __always_inline __u16 fast_open(struct sock *sk)
{
	struct tcp_sock *tcp = (void *)sk;
	return BPF_CORE_READ(tcp, fastopen_req) ||
		       BPF_CORE_READ_BITFIELD_PROBED(tcp, fastopen_connect)
		   ? APUS_CONNECT_FAST_OPEN
		   : 0;
}

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
		/* A signal's handler is done and the call made again, by the kernel or the program.
		 */
		found = bpf_map_lookup_elem(&connects, &key);
		if (found && found->process.tid == current_tid()) {
			found->interrupted_ns = 0;
			found->in_call = 1;
		}
		return 0;
	}
	begin(&fresh, bpf_ktime_get_boot_ns());
	direct(&fresh, &to);
	fresh.flags = fast_open(sk);
	keep(key, &fresh);
	return 0;
}

/* Of a worker, of the call that submits and waits, or between the calls: a completion's retry. */
static __always_inline bool on_ring(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 flags = BPF_CORE_READ(task, flags);
	struct pt_regs *regs = registers();
	int number;
	if (flags & PF_IO_WORKER)
		return true;
	if (flags & PF_KTHREAD)
		return false;
#if defined(__TARGET_ARCH_x86)
	number = BPF_CORE_READ(regs, orig_ax);
#elif defined(__TARGET_ARCH_arm64)
	number = BPF_CORE_READ(regs, syscallno);
#endif
	return number == IO_URING_ENTER || number == NO_CALL;
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
	bpf_get_socket_cookie(context); /* Makes one, where there is none yet. */
	found = bpf_map_lookup_elem(&connects, &key);
	if (found && found->in_call && found->phase == PHASE_BEGUN &&
	    found->process.tid == current_tid()) {
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

static __always_inline bool is_subflow(struct sock *sk)
{
	struct tcp_sock *tcp = (void *)sk;
	return bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ(tcp, is_mptcp);
}

/* A connect whose call was not seen begins here: there is no cgroup2, or it would not have us. */
static __always_inline int on_sent(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct pending *pending = bpf_map_lookup_elem(&connects, &key);
	if (!pending || pending->phase != PHASE_BEGUN) {
		struct pending fresh = {};
		if (is_subflow(sk))
			return 0;
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

/*
 * A socket that is closed without an error was closed by its own side, or its connect failed before
 * anything went out: then the socket is still marked unconnected, and the errno is the call's
 * result. A running call has the result also when another thread shuts the socket down; close
 * cannot come before its end, and sets both directions shut first.
 */
static __always_inline bool call_decides(struct sock *sk, struct pending *pending)
{
	struct tcp_sock *tcp = (void *)sk;
	if (BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED)
		return true;
	if (BPF_CORE_READ(sk, sk_shutdown) == SHUTDOWN_MASK)
		return false;
	return pending->in_call || BPF_CORE_READ(tcp, fastopen_req, data);
}

/* The socket forgets its ends before the call returns. */
static __always_inline void await_result(struct sock *sk, struct pending *pending)
{
	write_ends(&pending->ends, sk);
	if (BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED)
		pending->ends.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	pending->phase = PHASE_CLOSED;
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
	if (error)
		tell(context, sk, outcome_of(error), error);
	else if (call_decides(sk, pending))
		await_result(sk, pending);
	else
		tell(context, sk, APUS_CONNECT_ABANDONED, 0);
	return 0;
}

// Arguments: the socket, its state before and after.
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
	} else {
		error = is_interruption(error) ? EINTR : error;
		tell(context, sk, outcome_of(error), error);
	}
	return 0;
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
	return on_own_result(context, sk, (int)context[1]);
}

// Where there is no sock_send_length (before 6.3).
SEC("tracepoint/syscalls/sys_exit_sendto")
int instead_of_on_send_to(struct trace_event_raw_sys_exit *context)
{
	if (context->ret >= 0)
		return 0;
	return on_own_result(context, socket_of_call(), context->ret);
}

SEC("tracepoint/syscalls/sys_exit_sendmsg")
int instead_of_on_send_message(struct trace_event_raw_sys_exit *context)
{
	if (context->ret >= 0)
		return 0;
	return on_own_result(context, socket_of_call(), context->ret);
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
