/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of block devices what some probe reads; see kernel.h. */
#pragma once
#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

enum req_flag_bits {
	__REQ_SYNC = 11,
	__REQ_META = 12,
	__REQ_PRIO = 13,
	__REQ_NOMERGE = 14,
	__REQ_IDLE = 15,
	__REQ_INTEGRITY = 16,
	__REQ_FUA = 17,
	__REQ_PREFLUSH = 18,
	__REQ_RAHEAD = 19,
	__REQ_BACKGROUND = 20,
	__REQ_NOWAIT = 21,
};

enum mq_rq_state {
	MQ_RQ_IDLE = 0,
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct blkcg_gq *bi_blkg;
};

struct gendisk {
	int major;
	int first_minor;
};

struct request_queue {
	struct gendisk *disk;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	struct bio *bio;
	enum mq_rq_state state;
};

/* 5.15 gave the queue its disk (d152c682f03c), 5.17 took it from the request (f3fa33acca9f). */
struct request___5_14 {
	struct gendisk *rq_disk;
} __attribute__((preserve_access_index));

#pragma clang attribute pop
