/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an exec record is built, and the executable's absolute path written into it. */
#pragma once
#include "hook.bpf.h"
#include "apus_abi.h"

#define COMPONENTS_MAX	96  /* of an executable's path */
#define COMPONENT_BYTES 256 /* NAME_MAX and the NUL */
#define PAYLOAD_MAX	(APUS_PATH_MAX + APUS_NAME_MAX + APUS_ARGS_MAX)

/* One record being built, with room after it for the read that the verifier cannot see bounded. */
struct workspace {
	struct apus_exec exec;
	__u8 payload[PAYLOAD_MAX + APUS_ARGS_MAX];
};

/* Entry 0 is for execs that succeed, 1 for those that fail. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct workspace);
} workspaces SEC(".maps");

static __always_inline struct workspace *workspace(__u32 index)
{
	return bpf_map_lookup_elem(&workspaces, &index);
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/*
 * Writes the path at the start of the payload, leaf first. Its size is kept in the record, because
 * the verifier forgets what memory holds and then sees each turn of the loop as the same.
 */
static __always_inline void write_path(struct workspace *space, struct file *file)
{
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct dentry *root = BPF_CORE_READ(mnt, mnt_root);
	struct dentry *parent;
	space->exec.path_size = 0;
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && dentry != root)
		space->exec.flags |= APUS_EXEC_PATH_DELETED;
	for (int i = 0; i < COMPONENTS_MAX; i++) {
		__u32 size = space->exec.path_size;
		long got;
		if (dentry == root) {
			struct mount *mount = mount_of(mnt);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				return;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
			root = BPF_CORE_READ(mnt, mnt_root);
			continue;
		}
		if (!BOUNDED(size, APUS_PATH_MAX - COMPONENT_BYTES - 1))
			break;
		if (size)
			space->payload[size++] = '/';
		got = bpf_probe_read_kernel_str(space->payload + size, COMPONENT_BYTES,
						BPF_CORE_READ(dentry, d_name.name));
		if (got <= 0) {
			space->exec.flags |= APUS_EXEC_PATH_UNREADABLE;
			return;
		}
		space->exec.path_size = size + got - 1;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			return; /* a memfd has a name and no directory */
		dentry = parent;
	}
	space->exec.flags |= APUS_EXEC_PATH_TRUNCATED;
}
