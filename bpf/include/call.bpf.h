/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a task asked of exec, from the registers it made the call with. */
#pragma once
#include "hook.bpf.h"

#define KERNEL_STACK_BYTES 16384 /* before 5.15, and without KASAN */

/* User addresses of the name and the argument vector. */
struct call {
	__u64 name;
	__u64 arguments;
};

/* Registers of the last system call; the helper came with 5.15 (dd6e10fbd9fb). */
static __always_inline struct pt_regs *registers(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct task_struct *task = (void *)bpf_get_current_task();
	void *stack = BPF_CORE_READ(task, stack);
	return stack + KERNEL_STACK_BYTES - bpf_core_type_size(struct pt_regs);
}

static __always_inline struct call call_of(bool at_directory)
{
	struct pt_regs *regs = registers();
#if defined(__TARGET_ARCH_x86)
	if (at_directory)
		return (struct call){BPF_CORE_READ(regs, si), BPF_CORE_READ(regs, dx)};
	return (struct call){BPF_CORE_READ(regs, di), BPF_CORE_READ(regs, si)};
#elif defined(__TARGET_ARCH_arm64)
	/* The result has replaced the first register; the kernel keeps the original. */
	if (at_directory)
		return (struct call){BPF_CORE_READ(regs, regs[1]), BPF_CORE_READ(regs, regs[2])};
	return (struct call){BPF_CORE_READ(regs, orig_x0), BPF_CORE_READ(regs, regs[1])};
#endif
}
