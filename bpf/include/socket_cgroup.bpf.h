/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cgroup in which a socket was made, kept by the kernel with it. It is one of the v2 hierarchy
 * only: on a hybrid node it may be the root, and then the owner's own says more. An accepted socket
 * has its listener's. Nothing is typed, because before 5.15 the field is a number.
 */
#pragma once
#include "kernel_net.h"
#include "ledger.bpf.h"
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

/* The v2 root's where the kernel does not know better. */
static __always_inline __u64 key_of_socket(struct sock *sk)
{
	__u64 key = key_of_cgroup(cgroup_of_socket(sk));
	return key ? key : CGROUP_KEY_ROOT;
}

/*
 * Whether the knobs want what a socket does. Of one that has an owner that was decided when it came
 * to have it, while the owner ran and its cgroups could be walked; a socket without one has at most
 * its own v2 cgroup, and no process.
 */
static __always_inline bool wants_socket(struct sock *sk, const struct apus_owner *owner)
{
	if (owner)
		return !owner->outside;
	if (knobs.pid || knobs.uid != 0xffffffff)
		return false;
	if (!knobs.cgroup_key)
		return true;
	return !(knobs.cgroup_key & APUS_CGROUP_HIERARCHY) &&
	       within(cgroup_of_socket(sk), knobs.cgroup_key);
}
