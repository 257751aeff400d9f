/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP sockets: whose they are, what their ends are, and how a descriptor or a file leads to one.
 * Sockets come from registers, files and maps as plain addresses, so nothing here is typed.
 */
#pragma once
#include "kernel_net.h"
#include "call.bpf.h"
#include "apus_abi.h"

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_CLOSE = 7,
	TCP_LISTEN = 10,
};

#define IPPROTO_TCP 6
#define AF_UNSPEC   0
#define AF_INET	    2
#define AF_INET6    10
#define S_IFMT	    0170000
#define S_IFSOCK    0140000

/*
 * By the address of the struct sock. Not socket storage, because the system calls' tracepoints, in
 * which alone an accept is seen, may not use it. Shared: sockets.bpf.c writes it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct apus_owner);
} owners SEC(".maps");

static __always_inline __u16 from_network(__u16 port)
{
	return __builtin_bswap16(port);
}

/* Mapped: ::ffff:a.b.c.d. */
static __always_inline bool maps_v4(const __u32 *address)
{
	return !address[0] && !address[1] && address[2] == __builtin_bswap32(0xffff);
}

/* Writes an IPv6 address, or the IPv4 one that it maps; says which. */
static __always_inline bool write_address(__u8 *to, const __u32 *address, bool mapped)
{
	__u32 *words = (__u32 *)to;
	words[0] = mapped ? address[3] : address[0];
	words[1] = mapped ? 0 : address[1];
	words[2] = mapped ? 0 : address[2];
	words[3] = mapped ? 0 : address[3];
	return mapped;
}

/*
 * All but the ports. A socket that is not connected says so of its remote end with zeroes; whether
 * it is mapped is then told by the local end, which an AF_INET6 socket may not have either.
 */
static __always_inline void write_addresses(struct apus_ends *ends, struct sock *sk)
{
	__u32 local[4] = {}, remote[4] = {};
	bool mapped;
	ends->flags = 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET6) {
		local[0] = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		remote[0] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		write_address(ends->local, local, false);
		write_address(ends->remote, remote, false);
		ends->family = AF_INET;
		return;
	}
	BPF_CORE_READ_INTO(&local, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&remote, sk, __sk_common.skc_v6_daddr);
	mapped = maps_v4(remote) || maps_v4(local);
	write_address(ends->local, local, mapped);
	write_address(ends->remote, remote, mapped);
	ends->family = mapped ? AF_INET : AF_INET6;
	ends->flags = mapped ? APUS_ENDS_V4_MAPPED : 0;
}

/* inet_sport outlives the port itself, which is given back before the state becomes CLOSE. */
static __always_inline __u16 source_port(struct sock *sk)
{
	return from_network(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

static __always_inline void write_ends(struct apus_ends *ends, struct sock *sk)
{
	write_addresses(ends, sk);
	ends->remote_port = from_network(BPF_CORE_READ(sk, __sk_common.skc_dport));
	ends->local_port = source_port(sk);
}

/* Only what the socket was bound to; the rest may be left from an earlier connect. */
static __always_inline void write_bound(struct apus_ends *ends, struct sock *sk)
{
	struct apus_ends bound = {};
	write_addresses(&bound, sk);
	__builtin_memcpy(ends->local, bound.local, sizeof(ends->local));
	ends->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
}

static __always_inline void write_names(struct apus_ends *ends, struct sock *sk)
{
	ends->net_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	ends->reserved = 0;
	ends->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/* The TCP socket that a file is, or null. */
static __always_inline struct sock *socket_of_file(struct file *file)
{
	struct socket *socket;
	struct sock *sk;
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket) /* Opened as a path only. */
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	return sk && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP ? sk : 0;
}

/* The TCP socket that the current task has under a descriptor, or null. */
static __always_inline struct sock *socket_of_descriptor(__u32 descriptor)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = 0;
	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor);
	return socket_of_file(file);
}

/* The TCP socket that the running system call was given as its first argument, or null. */
static __always_inline struct sock *socket_of_call(void)
{
	struct pt_regs *regs = registers();
#if defined(__TARGET_ARCH_x86)
	return socket_of_descriptor(BPF_CORE_READ(regs, di));
#elif defined(__TARGET_ARCH_arm64)
	return socket_of_descriptor(BPF_CORE_READ(regs, orig_x0));
#endif
}

/*
 * The address of a typed socket as a number, which the verifier makes of it only on the way through
 * memory: it lets nothing be added to the pointer, and before 5.12 takes none for a key ("bpf:
 * Permits pointers on stack for helper calls").
 */
static __always_inline __u64 address_of(const void *socket)
{
	__u64 address = 0;
	bpf_probe_read_kernel(&address, sizeof(address), &socket);
	return address;
}

/* The running task in the form in which READ and describe() take it. */
static __always_inline struct task_struct *current_task(void)
{
#ifdef APUS_COMPAT
	return (void *)bpf_get_current_task();
#else
	return bpf_get_current_task_btf();
#endif
}
