/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cgroup in which a socket was made, kept by the kernel with it. It is one of the v2 hierarchy
 * only: on a hybrid node it may be the root, and then the owner's own says more. An accepted socket
 * has its listener's. Nothing is typed, because before 5.15 the field is a number.
 */
#pragma once
#include "owner.bpf.h"

#define NOT_A_POINTER 3 /* low bits: bit 0 says that the number is not one at all */

static __always_inline struct cgroup *cgroup_of_socket(struct sock *sk)
{
	struct sock_cgroup_data *data;
	struct sock_cgroup_data___5_14 *old;
	__u64 value;
	if (!bpf_core_field_exists(sk->sk_cgrp_data))
		return 0;
	data = &sk->sk_cgrp_data;
	if (bpf_core_field_exists(data->cgroup))
		return BPF_CORE_READ(data, cgroup);
	old = (void *)data;
	value = BPF_CORE_READ(old, val);
	return value & 1 ? 0 : (void *)(value & ~(__u64)NOT_A_POINTER);
}

/* 0 when the socket is in the root, or the kernel does not know. */
static __always_inline __u64 key_of_cgroup(struct cgroup *cgroup)
{
	if (!cgroup || !BPF_CORE_READ(cgroup, level))
		return 0;
	return BPF_CORE_READ(cgroup, kn, id) | APUS_CGROUP_V2;
}

/* Whether it is the v2 cgroup that `key` names, or below it. */
static __always_inline bool within(struct cgroup *cgroup, __u64 key)
{
	for (int depth = 0; depth < CGROUP_DEPTH_MAX && cgroup; depth++) {
		struct cgroup_subsys_state *parent;
		if (BPF_CORE_READ(cgroup, kn, id) == key)
			return true;
		parent = BPF_CORE_READ(cgroup, self.parent);
		if (!parent)
			return false;
		cgroup = BPF_CORE_READ(parent, cgroup);
	}
	return false;
}
