/* SPDX-License-Identifier: Apache-2.0 */
/* How much this process has allocated. */
#include "cbench.h"
#include <malloc.h>

size_t cbench_heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}
