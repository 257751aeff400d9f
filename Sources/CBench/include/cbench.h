/* SPDX-License-Identifier: Apache-2.0 */
/* What apus-bench compares itself with, the least that C can do with a ring, and a gauge. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Counted so far; the caller keeps it until cbench_close. */
struct cbench_count {
	uint64_t records;
	uint64_t bytes;
};

struct ring_buffer;

/* Opens a ring with a callback that only counts into `count`; NULL and errno. */
struct ring_buffer *_Nullable cbench_open(int map_fd, struct cbench_count *_Nonnull count);
/* Consumes all that there is; negative is an error. */
int cbench_consume(struct ring_buffer *_Nonnull ring);
void cbench_close(struct ring_buffer *_Nonnull ring);

/* Executes a program so often, one after the other, with a few arguments; 0, or an errno. */
int cbench_execute(const char *_Nonnull program, unsigned long times);

/* What is allocated in this process. */
size_t cbench_heap_bytes(void);
