/* SPDX-License-Identifier: Apache-2.0 */
/* A bare libbpf consumer that counts records and bytes, and does nothing else. */
#include "cbench.h"
#include <bpf/libbpf.h>

static int count(void *context, void *data, size_t size)
{
	struct cbench_count *counted = context;

	(void)data;
	counted->records++;
	counted->bytes += size;
	return 0;
}

struct ring_buffer *cbench_open(int map_fd, struct cbench_count *counted)
{
	return ring_buffer__new(map_fd, count, counted, NULL);
}

int cbench_consume(struct ring_buffer *ring)
{
	return ring_buffer__consume(ring);
}

void cbench_close(struct ring_buffer *ring)
{
	ring_buffer__free(ring);
}
