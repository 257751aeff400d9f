/* SPDX-License-Identifier: Apache-2.0 */
/* What load.c, workload.c and judge.c share. */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

enum { MARKED = 23, CODE = 7 };

/* What was seen of this process's own doing. */
struct seen {
	int execs, failures, exits;
	int established, refused, other_connects;
	int syn_retransmits;
};

/* Makes MARKED execs, failed execs and exits. */
void make_processes(void);
/* Makes MARKED connects that are established and MARKED that are refused, over loopback, and one
 * whose SYN nobody answers for more than a second. */
void make_connects(void);
/* Brings loopback up. */
void raise_loopback(void);

/* Counts a record that this process, or a child of it, is the reason for. */
void judge(struct seen *seen, const void *data, size_t size);
