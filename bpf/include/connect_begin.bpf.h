/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is asked where a connect begins: where to, in which way, by which call. */
#pragma once
#include "connect.bpf.h"

#define SOL_SOCKET     1
#define SO_ERROR       4
#define SOCK_STREAM    1
#define IO_URING_ENTER 426 /* on every machine */
#if defined(__TARGET_ARCH_x86)
#define CONNECT_CALL  42
#define SHUTDOWN_CALL 48
#elif defined(__TARGET_ARCH_arm64)
#define CONNECT_CALL  203
#define SHUTDOWN_CALL 210
#endif
#define NO_CALL	     (-1)
#define PF_IO_WORKER 0x10
#define PF_KTHREAD   0x200000

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

/*
 * Whether the call that began it is running: this process's own, as the end of one that nothing was
 * sent for may go unseen, and then another process's socket be where that one's was.
 */
static __always_inline bool runs(const struct pending *pending)
{
	return pending->in_call && pending->phase == PHASE_BEGUN &&
	       pending->process.pid == bpf_get_current_pid_tgid() >> 32;
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

/* The number of the running system call of this machine's own interface, or -1. */
static __always_inline int call_number(void)
{
	struct pt_regs *regs = registers();
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, orig_ax);
#elif defined(__TARGET_ARCH_arm64)
	return BPF_CORE_READ(regs, syscallno);
#endif
}

struct option_call {
	__u32 level;
	__u32 name;
	__u64 value; /* user address */
};

/* What getsockopt was asked. */
static __always_inline struct option_call option_of_call(void)
{
	struct pt_regs *regs = registers();
#if defined(__TARGET_ARCH_x86)
	return (struct option_call){BPF_CORE_READ(regs, si), BPF_CORE_READ(regs, dx),
				    BPF_CORE_READ(regs, r10)};
#elif defined(__TARGET_ARCH_arm64)
	return (struct option_call){BPF_CORE_READ(regs, regs[1]), BPF_CORE_READ(regs, regs[2]),
				    BPF_CORE_READ(regs, regs[3])};
#endif
}

/* Of a worker, of the call that submits and waits, or between the calls: a completion's retry. */
static __always_inline bool on_ring(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 flags = BPF_CORE_READ(task, flags);
	int number = call_number();
	if (flags & PF_IO_WORKER)
		return true;
	return !(flags & PF_KTHREAD) && (number == IO_URING_ENTER || number == NO_CALL);
}

/* Whether the current task is in a call that can end a connect of its own or another thread's. */
static __always_inline bool disconnecting(void)
{
	int number = call_number();
	return number == SHUTDOWN_CALL || number == CONNECT_CALL || number == IO_URING_ENTER;
}

static __always_inline bool is_subflow(struct sock *sk)
{
	struct tcp_sock *tcp = (void *)sk;
	return bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ(tcp, is_mptcp);
}
