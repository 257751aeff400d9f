/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a request to a block device is: what it does, to which device, and for whom. */
#pragma once
#include "kernel_block.h"
#include "ledger.bpf.h"
#include "owner.bpf.h"

#define REQ_OP_MASK 0xff

/*
 * 5.11 took the request's queue from the arguments of its tracepoints (a54895fa057c), and stable
 * kernels took that over; knobs say which it is here.
 */
static __always_inline struct request *request_of(__u64 *context)
{
	if (knobs.block_tells_queue)
		return (void *)context[1];
	/* Or both loads become one whose offset is computed, which a context must not have. */
	asm volatile("");
	return (void *)context[0];
}

/*
 * The first four operations, and those of drivers, have kept their numbers. Between them zones have
 * had 4, 6 and 8 and later other ones; 7 was once to write one block many times.
 */
static __always_inline __u16 operation_of(struct request *request)
{
	__u32 number = READ(request, cmd_flags) & REQ_OP_MASK;
	struct request___5_14 *old = (void *)request;
	if (number < 4)
		return number + APUS_BLOCK_READ;
	if (number == 5)
		return APUS_BLOCK_SECURE_ERASE;
	if (number == 9)
		return APUS_BLOCK_WRITE_ZEROES;
	if (number >= 32)
		return number < 36 ? APUS_BLOCK_DRIVER : APUS_BLOCK_OTHER;
	if (number == 7 && bpf_core_field_exists(old->rq_disk)) /* to 5.17 the repeated write */
		return APUS_BLOCK_OTHER;
	return APUS_BLOCK_ZONE;
}

#define FLAG_OF(flags, theirs, ours)                                                               \
	(bpf_core_enum_value_exists(enum req_flag_bits, theirs) &&                                 \
		 ((flags) >> bpf_core_enum_value(enum req_flag_bits, theirs)) & 1                  \
	     ? (ours)                                                                              \
	     : 0)

static __always_inline __u16 flags_of(struct request *request)
{
	__u32 flags = READ(request, cmd_flags);
	__u16 what = operation_of(request);
	if (what == APUS_BLOCK_DRIVER && flags & 1)
		what |= APUS_BLOCK_FLAG_OUT;
	what |= FLAG_OF(flags, __REQ_SYNC, APUS_BLOCK_FLAG_SYNC);
	what |= FLAG_OF(flags, __REQ_META, APUS_BLOCK_FLAG_META);
	what |= FLAG_OF(flags, __REQ_PRIO, APUS_BLOCK_FLAG_PRIO);
	what |= FLAG_OF(flags, __REQ_NOMERGE, APUS_BLOCK_FLAG_NOMERGE);
	what |= FLAG_OF(flags, __REQ_IDLE, APUS_BLOCK_FLAG_IDLE);
	what |= FLAG_OF(flags, __REQ_INTEGRITY, APUS_BLOCK_FLAG_INTEGRITY);
	what |= FLAG_OF(flags, __REQ_FUA, APUS_BLOCK_FLAG_FUA);
	what |= FLAG_OF(flags, __REQ_PREFLUSH, APUS_BLOCK_FLAG_PREFLUSH);
	what |= FLAG_OF(flags, __REQ_RAHEAD, APUS_BLOCK_FLAG_READAHEAD);
	what |= FLAG_OF(flags, __REQ_BACKGROUND, APUS_BLOCK_FLAG_BACKGROUND);
	what |= FLAG_OF(flags, __REQ_NOWAIT, APUS_BLOCK_FLAG_NOWAIT);
	return what;
}

/* 0 where the queue has no disk, as that of an NVMe controller's own commands. */
static __always_inline __u32 device_of(struct request *request)
{
	struct request___5_14 *old = (void *)request;
	struct gendisk *disk;
	if (bpf_core_field_exists(request->q->disk))
		disk = READ(request, q, disk);
	else
		disk = READ(old, rq_disk);
	return disk ? READ(disk, major) << 20 | READ(disk, first_minor) : 0;
}

/* Null for a request that carries nobody's data, and where the kernel has no such controller. */
static __always_inline struct cgroup *cgroup_of_request(struct request *request)
{
	struct bio *bio = READ(request, bio);
	struct blkcg_gq *group;
	if (!bio || !bpf_core_field_exists(bio->bi_blkg))
		return 0;
	group = READ(bio, bi_blkg);
	return group ? READ(group, blkcg, css.cgroup) : 0;
}
