/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is not wanted, decided in the kernel and counted there. Unset knobs cost nothing. */
#pragma once
#include "ledger.bpf.h"
#include "owner.bpf.h"

static __always_inline bool in_scope(struct task_struct *task)
{
	if (knobs.pid && (__u32)READ(task, tgid) != knobs.pid)
		return false;
	if (knobs.uid != 0xffffffff && READ(task, real_cred, uid.val) != knobs.uid)
		return false;
	return !knobs.cgroup_key || in_cgroup(task, knobs.cgroup_key);
}

/* Counts and refuses what is outside the scope, or the agent's own. */
static __always_inline bool filtered(struct task_struct *task, struct apus_ledger_cell *cell)
{
	if (knobs.self_pid && (__u32)READ(task, tgid) == knobs.self_pid) {
		FETCH_ADD(&cell->filtered_self);
		return true;
	}
	if (!in_scope(task)) {
		FETCH_ADD(&cell->filtered_scope);
		return true;
	}
	return false;
}
