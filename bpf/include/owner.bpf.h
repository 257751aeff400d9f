/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose event it is. On a hybrid node a process may sit in the root of the v2 hierarchy while its
 * workload's cgroup is a v1 one; the key then names that one, and says which hierarchy it is of.
 * A controller that is on v2 has its v2 cgroup here, which is the root whenever v1 is asked.
 */
#pragma once
#include "hook.bpf.h"
#include "apus_abi.h"

#define CGROUP_DEPTH_MAX 32

/* The index of a controller is the kernel's own, so it is no constant to the compiler. */
static __always_inline struct cgroup *cgroup_of_controller(struct css_set *set, __u64 index)
{
	__u64 offset = bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *);
	struct cgroup_subsys_state **place;
	/* Or the relocation is folded into the load, whose type it does not fit. */
	asm volatile("" : "+r"(offset));
	place = (void *)set + offset;
#ifdef APUS_COMPAT
	struct cgroup_subsys_state *state = 0;
	bpf_core_read(&state, sizeof(state), place);
	return READ(state, cgroup);
#else
	return (*place)->cgroup;
#endif
}

static __always_inline struct cgroup *cgroup_v1_cpu(struct css_set *set)
{
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, cpu_cgrp_id))
		return 0;
	return cgroup_of_controller(set, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
}

static __always_inline struct cgroup *cgroup_v1_memory(struct css_set *set)
{
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return 0;
	return cgroup_of_controller(set,
				    bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
}

static __always_inline __u64 cgroup_key(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup *unified = READ(set, dfl_cgrp);
	struct cgroup *legacy;
	if (READ(unified, level))
		return READ(unified, kn, id) | APUS_CGROUP_V2;
	legacy = cgroup_v1_cpu(set);
	if (legacy && READ(legacy, level))
		return READ(legacy, kn, id) | APUS_CGROUP_V1_CPU;
	legacy = cgroup_v1_memory(set);
	if (legacy && READ(legacy, level))
		return READ(legacy, kn, id) | APUS_CGROUP_V1_MEMORY;
	return READ(unified, kn, id) | APUS_CGROUP_V2;
}

/* Whether the task is in the cgroup that `key` names, or below it, in that one's hierarchy. */
static __always_inline bool in_cgroup(struct task_struct *task, __u64 key)
{
	struct css_set *set = READ(task, cgroups);
	__u64 hierarchy = key & APUS_CGROUP_HIERARCHY;
	__u64 wanted = key & ~APUS_CGROUP_HIERARCHY;
	struct cgroup *cgroup;
	if (hierarchy == APUS_CGROUP_V1_CPU)
		cgroup = cgroup_v1_cpu(set);
	else if (hierarchy == APUS_CGROUP_V1_MEMORY)
		cgroup = cgroup_v1_memory(set);
	else
		cgroup = READ(set, dfl_cgrp);
	for (int depth = 0; depth < CGROUP_DEPTH_MAX && cgroup; depth++) {
		struct cgroup_subsys_state *parent;
		if (READ(cgroup, kn, id) == wanted)
			return true;
		parent = READ(cgroup, self.parent);
		if (!parent)
			return false;
		cgroup = READ(parent, cgroup);
	}
	return false;
}

/* A hierarchy's root is the first node of its kernfs; on 64-bit machines that one's id is 1. */
#define CGROUP_KEY_ROOT (APUS_CGROUP_V2 | 1)

/*
 * Of the cgroup that a block request is charged to, which is one of the hierarchy that has the
 * controller; the default one has the number 0. Nobody's, and the root's, is the v2 root's.
 */
static __always_inline __u64 block_cgroup_key(struct cgroup *cgroup)
{
	if (!cgroup || !READ(cgroup, level))
		return CGROUP_KEY_ROOT;
	if (READ(cgroup, root, hierarchy_id))
		return READ(cgroup, kn, id) | APUS_CGROUP_V1_BLKIO;
	return READ(cgroup, kn, id) | APUS_CGROUP_V2;
}

/* Whether `key` names that cgroup or one above it. */
static __always_inline bool in_block_cgroup(struct cgroup *cgroup, __u64 key)
{
	for (int depth = 0; depth < CGROUP_DEPTH_MAX && cgroup; depth++) {
		struct cgroup_subsys_state *parent;
		if (block_cgroup_key(cgroup) == key)
			return true;
		parent = READ(cgroup, self.parent);
		if (!parent)
			return false;
		cgroup = READ(parent, cgroup);
	}
	return key == CGROUP_KEY_ROOT;
}
