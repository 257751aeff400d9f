// SPDX-License-Identifier: Apache-2.0
// Holds bpf/include/exphist.bpf.h, the very header that the kernel half compiles, against whole
// number arithmetic: ns lies above the edge 10^9 * 2^(k/8) if and only if
// ns^8 > 10^72 * 2^k, so that no root, logarithm or rounding is involved.
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apus_abi.h"
#include "exphist.bpf.h"

enum { LIMBS = 24, RANDOM_VALUES = 1000000 };

struct big {
	uint32_t
	    limb[LIMBS]; /* least significant first: 768 bits, of which 8 * 64 + 240 are used */
};

static void multiply(struct big *number, uint32_t factor)
{
	uint64_t carry = 0;
	for (int i = 0; i < LIMBS; i++) {
		carry += (uint64_t)number->limb[i] * factor;
		number->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		abort();
}

static void multiply_wide(struct big *number, uint64_t factor)
{
	struct big high = *number;
	uint64_t carry = 0;
	multiply(&high, (uint32_t)(factor >> 32));
	multiply(number, (uint32_t)factor);
	for (int i = 1; i < LIMBS; i++) {
		carry += (uint64_t)number->limb[i] + high.limb[i - 1];
		number->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry || high.limb[LIMBS - 1])
		abort();
}

static struct big power8(uint64_t value)
{
	struct big result = {{1}};
	for (int i = 0; i < 8; i++)
		multiply_wide(&result, value);
	return result;
}

static void shift_left(struct big *number, unsigned bits)
{
	for (; bits >= 31; bits -= 31)
		multiply(number, 1u << 31);
	multiply(number, 1u << bits);
}

/* Whether ns > 10^9 * 2^(k/8). */
static bool above(uint64_t ns, int k)
{
	struct big left = power8(ns);
	struct big right = power8(1000000000);
	shift_left(k < 0 ? &left : &right, (unsigned)(k < 0 ? -k : k));
	for (int i = LIMBS - 1; i >= 0; i--)
		if (left.limb[i] != right.limb[i])
			return left.limb[i] > right.limb[i];
	return false;
}

/* The index i with 2^(i/8) s < ns <= 2^((i+1)/8) s, by bisection over all that 64 bits can hold. */
static int oracle(uint64_t ns)
{
	int low = -248, high = 288; /* above low, not above high */
	while (high - low > 1) {
		int middle = low + (high - low) / 2;
		if (above(ns, middle))
			low = middle;
		else
			high = middle;
	}
	return low;
}

static unsigned long passed, failed;

static void expect(bool right, const char *what, uint64_t ns, int want, int got)
{
	if (right) {
		passed++;
		return;
	}
	if (failed++ < 10)
		printf("%s of %llu ns: want %d, got %d\n", what, (unsigned long long)ns, want, got);
}

static void check(uint64_t ns)
{
	int want = ns ? oracle(ns) : 0;
	if (ns)
		expect(exphist_index(ns) == want, "index", ns, want, exphist_index(ns));
	int slot = want - APUS_HIST_OFFSET;
	int place = !ns || slot < 0		? EXPHIST_ZERO
		    : slot >= APUS_HIST_BUCKETS ? APUS_HIST_BUCKETS
						: slot;
	int got = exphist_place(ns, APUS_HIST_OFFSET, APUS_HIST_BUCKETS);
	expect(got == place, "place", ns, place, got);
}

/* The largest whole ns that is not above edge k. */
static uint64_t floor_of_edge(int k)
{
	uint64_t value = 0;
	for (int bit = 63; bit >= 0; bit--)
		if (!above(value | 1ULL << bit, k))
			value |= 1ULL << bit;
	return value;
}

static uint64_t random_bits(void)
{
	static uint64_t state =
	    0x9e3779b97f4a7c15ULL; /* fixed, so that a failure can be repeated */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(void)
{
	const struct {
		uint64_t ns;
		int index;
	} known[] = {{1000000000, -1}, {1000000001, 0},	   {128, -184},
		     {120, -184},      {512000000000, 71}, {512000000001, 72}};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		expect(oracle(known[i].ns) == known[i].index, "oracle", known[i].ns, known[i].index,
		       oracle(known[i].ns));
	for (uint64_t ns = 0; ns <= 2000; ns++)
		check(ns);
	for (int k = -239; k <= 272; k++) {
		uint64_t edge = floor_of_edge(k);
		check(edge - 1);
		check(edge);
		check(edge + 1);
	}
	check(UINT64_MAX);
	for (int i = 0; i < RANDOM_VALUES; i++)
		check((random_bits() | 1ULL << 63) >> (random_bits() % 64));
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed ? 1 : 0;
}
