/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Both ends of a TCP connection out of what every kind of socket begins with: a full socket and a
 * request alike, whose address fields (ir_...) are names of the same members. Sockets come from
 * registers, files and maps as plain addresses, so nothing here is typed.
 */
#pragma once
#include "hook.bpf.h"
#include "kernel_net.h"
#include "apus_abi.h"

#define AF_UNSPEC 0
#define AF_INET	  2
#define AF_INET6  10

static __always_inline __u16 from_network(__u16 port)
{
	return __builtin_bswap16(port);
}

/* Mapped: ::ffff:a.b.c.d. */
static __always_inline bool maps_v4(const __u32 *address)
{
	return !address[0] && !address[1] && address[2] == __builtin_bswap32(0xffff);
}

/* Writes an IPv6 address, or the IPv4 one that it maps. */
static __always_inline void write_address(__u8 *to, const __u32 *address, bool mapped)
{
	__u32 *words = (__u32 *)to;
	words[0] = mapped ? address[3] : address[0];
	words[1] = mapped ? 0 : address[1];
	words[2] = mapped ? 0 : address[2];
	words[3] = mapped ? 0 : address[3];
}

static __always_inline void write_ipv4(struct apus_ends *ends, struct sock_common *common)
{
	__u32 local[4] = {BPF_CORE_READ(common, skc_rcv_saddr)};
	__u32 remote[4] = {BPF_CORE_READ(common, skc_daddr)};
	write_address(ends->local, local, false);
	write_address(ends->remote, remote, false);
	ends->family = AF_INET;
}

/*
 * All but the ports. A socket that is not connected says so of its remote end with zeroes; whether
 * it is mapped is then told by the local end, which an AF_INET6 socket may not have either. A
 * request for an IPv4 connection is of AF_INET even when the socket that will come of it is not:
 * so the listener's family is asked for.
 */
static __always_inline void write_addresses(struct apus_ends *ends, struct sock_common *common,
					    __u16 socket_family)
{
	__u32 local[4] = {}, remote[4] = {};
	bool mapped;
	ends->flags = 0;
	if (BPF_CORE_READ(common, skc_family) != AF_INET6) {
		write_ipv4(ends, common);
		ends->flags = socket_family == AF_INET6 ? APUS_ENDS_V4_MAPPED : 0;
		return;
	}
	if (!bpf_core_field_exists(common->skc_v6_daddr))
		return;
	BPF_CORE_READ_INTO(&local, common, skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&remote, common, skc_v6_daddr);
	mapped = maps_v4(remote) || maps_v4(local);
	write_address(ends->local, local, mapped);
	write_address(ends->remote, remote, mapped);
	ends->family = mapped ? AF_INET : AF_INET6;
	ends->flags = mapped ? APUS_ENDS_V4_MAPPED : 0;
}

static __always_inline __u32 network_namespace(struct sock_common *common)
{
	if (!bpf_core_field_exists(common->skc_net.net))
		return 0;
	return BPF_CORE_READ(common, skc_net.net, ns.inum);
}
