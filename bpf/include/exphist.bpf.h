/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nanoseconds to the index of an OTLP exponential histogram at scale 3 with edges in seconds:
 * bucket i holds (2^(i/8) s, 2^((i+1)/8) s].
 *
 * An edge lies at 10^9 * 2^(k/8) ns. Shifted until its top bit is bit 63 it is one of eight
 * mantissas, whose floors stand below in rising order; a whole number of nanoseconds, shifted
 * alike, is above the edge if and only if it is above the floor. 10^9 itself has its top bit at
 * 29, so with the top bit of ns at e and p mantissas passed the index is 8 * (e - 29) + p - 8:
 * that of 1 s is -1, of 128 ns -184, of 512 s 71. Tests/native/exphist.c holds this against whole
 * number arithmetic at every edge.
 */
#pragma once

#define EXPHIST_1 0x81ffa7a9549ca6e3ULL /* 10^9 * 2^(1/8) */
#define EXPHIST_2 0x8dc3b8960164a7d9ULL
#define EXPHIST_3 0x9a9867054d512391ULL
#define EXPHIST_4 0xa8965f74bf065071ULL
#define EXPHIST_5 0xb7d88a12d0dd9ea0ULL
#define EXPHIST_6 0xc87c3e7d03cdbec3ULL
#define EXPHIST_7 0xdaa17c2cd19555dbULL
#define EXPHIST_8 0xee6b280000000000ULL /* 10^9, twice as far */

/* How many of the mantissas `m` has passed; a tree, because a program pays for each comparison. */
static inline __attribute__((always_inline)) int exphist_passed(__u64 m)
{
	if (m > EXPHIST_4) {
		if (m > EXPHIST_6)
			return m > EXPHIST_7 ? (m > EXPHIST_8 ? 8 : 7) : 6;
		return m > EXPHIST_5 ? 5 : 4;
	}
	if (m > EXPHIST_2)
		return m > EXPHIST_3 ? 3 : 2;
	return m > EXPHIST_1 ? 1 : 0;
}

/*
 * The place of the top bit of a value that is not 0, which is then shifted until it is bit 63; the
 * BPF machine has no instruction that counts leading zeros.
 */
static inline __attribute__((always_inline)) int exphist_normalise(__u64 *value)
{
	__u64 m = *value;
	int top = 63;
	if (!(m >> 32)) {
		m <<= 32;
		top -= 32;
	}
	if (!(m >> 48)) {
		m <<= 16;
		top -= 16;
	}
	if (!(m >> 56)) {
		m <<= 8;
		top -= 8;
	}
	if (!(m >> 60)) {
		m <<= 4;
		top -= 4;
	}
	if (!(m >> 62)) {
		m <<= 2;
		top -= 2;
	}
	if (!(m >> 63)) {
		m <<= 1;
		top -= 1;
	}
	*value = m;
	return top;
}

/* Of ns > 0. */
static inline __attribute__((always_inline)) int exphist_index(__u64 ns)
{
	int top = exphist_normalise(&ns);
	return 8 * (top - 29) + exphist_passed(ns) - 8;
}

#define EXPHIST_ZERO (-1) /* not above the lowest edge */

/*
 * The bucket of a histogram that has `buckets` of them, the first one at the index `offset`, and
 * one more for what is above the highest edge.
 */
static inline __attribute__((always_inline)) int exphist_place(__u64 ns, int offset, int buckets)
{
	int bucket;
	if (!ns)
		return EXPHIST_ZERO;
	bucket = exphist_index(ns) - offset;
	if (bucket < 0)
		return EXPHIST_ZERO;
	return bucket < buckets ? bucket : buckets;
}
