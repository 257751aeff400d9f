/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Both ends of a TCP connection out of what every kind of socket begins with: a full socket and a
 * request alike, whose address fields (ir_…) are names of the same members.
 */
#pragma once
#include "hook.bpf.h"
#include <bpf/bpf_endian.h>
#include "apus_abi.h"

#define AF_INET	 2
#define AF_INET6 10

static __always_inline void write_ipv6(struct apus_ends *ends, struct sock_common *common)
{
	bpf_core_read(ends->local, sizeof(ends->local), &common->skc_v6_rcv_saddr);
	bpf_core_read(ends->remote, sizeof(ends->remote), &common->skc_v6_daddr);
	ends->family = AF_INET6;
}

static __always_inline void write_ipv4(struct apus_ends *ends, struct sock_common *common)
{
	*(__u32 *)ends->local = READ(common, skc_rcv_saddr);
	*(__u32 *)ends->remote = READ(common, skc_daddr);
	ends->family = AF_INET;
}

/* A socket that speaks IPv4 keeps its addresses in both forms, whatever its family. */
static __always_inline bool is_mapped(struct sock_common *common)
{
	return READ(common, skc_v6_daddr.in6_u.u6_addr32[2]) == bpf_htonl(0xffff) &&
	       !READ(common, skc_v6_daddr.in6_u.u6_addr32[0]) &&
	       !READ(common, skc_v6_daddr.in6_u.u6_addr32[1]);
}

/*
 * Fills all of `ends`, which is zeroed, but the cookie. A request for an IPv4 connection is of
 * AF_INET even when the socket that will come of it is not: so the listener's family is asked for.
 */
static __always_inline void describe_ends(struct apus_ends *ends, struct sock_common *common,
					  __u16 socket_family)
{
	if (socket_family == AF_INET) {
		write_ipv4(ends, common);
	} else if (bpf_core_field_exists(common->skc_v6_daddr)) {
		if (READ(common, skc_family) == AF_INET || is_mapped(common)) {
			write_ipv4(ends, common);
			ends->flags = APUS_ENDS_V4_MAPPED;
		} else {
			write_ipv6(ends, common);
		}
	}
	ends->local_port = READ(common, skc_num);
	ends->remote_port = bpf_ntohs(READ(common, skc_dport));
	if (bpf_core_field_exists(common->skc_net.net))
		ends->net_namespace = READ(common, skc_net.net, ns.inum);
}

/* The typed hooks may ask for it, and so make one (5.12); else there may be none yet. */
static __always_inline __u64 cookie_of(struct sock_common *common)
{
#ifdef APUS_COMPAT
	return READ(common, skc_cookie.counter);
#else
	return bpf_get_socket_cookie(common);
#endif
}
