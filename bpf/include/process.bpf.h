/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fills `struct apus_process` of a task that is running now. */
#pragma once
#include "owner.bpf.h"

/*
 * A task's id as its own namespace sees it. That is an array element picked at run time, which no
 * typed load can reach, so nothing here is typed.
 */
static __always_inline struct upid *innermost(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

static __always_inline void describe_namespaces(struct apus_process *process,
						struct task_struct *task,
						struct task_struct *leader)
{
	struct nsproxy *proxy = READ(task, nsproxy);
	struct upid *upid = innermost(leader);
	process->namespace_pid = BPF_CORE_READ(upid, nr);
	process->pid_namespace = BPF_CORE_READ(upid, ns, ns.inum);
	process->mount_namespace = proxy ? READ(proxy, mnt_ns, ns.inum) : 0;
}

static __always_inline void describe(struct apus_process *process, struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);
	struct task_struct *parent = READ(task, real_parent);
	struct cred *cred = READ(task, real_cred);
	process->pid = READ(task, tgid);
	process->tid = READ(task, pid);
	process->parent_pid = READ(parent, tgid);
	process->uid = READ(cred, uid.val);
	process->euid = READ(cred, euid.val);
	process->gid = READ(cred, gid.val);
	process->egid = READ(cred, egid.val);
	process->login_uid = 0xffffffff;
	process->session_id = 0xffffffff;
	if (bpf_core_field_exists(task->loginuid)) {
		process->login_uid = READ(task, loginuid.val);
		process->session_id = READ(task, sessionid);
	}
	process->start_ns = READ(leader, start_boottime);
	process->parent_start_ns = READ(parent, group_leader, start_boottime);
	process->cgroup_key = cgroup_key(task);
	describe_namespaces(process, task, leader);
	bpf_probe_read_kernel(process->comm, sizeof(process->comm), &leader->comm);
}
