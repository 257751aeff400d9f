/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of sockets and of io_uring what some probe reads; see kernel.h. */
#pragma once
#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u32 u6_addr32[4];
	} in6_u;
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	struct sock *skc_listener;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

/* Until 5.15 (8520e224f547) the pointer, or with its low bit set what net_cls and net_prio say. */
struct sock_cgroup_data___5_14 {
	__u64 val;
} __attribute__((preserve_access_index));

typedef enum {
	SS_FREE = 0,
	SS_UNCONNECTED = 1,
} socket_state;

struct socket {
	socket_state state;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct sock_cgroup_data sk_cgrp_data;
	int sk_err;
	__u8 sk_shutdown;
	__u16 sk_protocol;
};

struct inet_sock {
	__be16 inet_sport;
};

struct request_sock {
	struct sock_common __req_common;
};

struct tcp_request_sock {
	__u32 snt_isn;
};

struct inet_connection_sock {
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits;
	__u8 icsk_pending;
};

struct tcp_fastopen_request {
	struct msghdr *data;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u8 fastopen_connect : 1;
	bool is_mptcp;
	struct tcp_fastopen_request *fastopen_req;
	__u32 srtt_us;
	__u32 undo_marker;
};

struct sk_buff {
	unsigned int len;
	char cb[48];
};

struct tcp_skb_cb {
	__u32 seq;
	__u16 tcp_gso_segs;
	__u8 tcp_flags; /* 16 bits wide from 6.15; the flags read here are in the low eight */
	__u8 sacked;
};

struct io_cqe {
	__s32 res;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	struct io_cqe cqe;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* What a cgroup's connect program is given: an interface that never moves, so not relocated. */
struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};
