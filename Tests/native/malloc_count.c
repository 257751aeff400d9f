/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LD_PRELOAD library that counts allocations of the whole process and writes the total as one
 * line to descriptor 2, at exit and on SIGUSR1. Two runs with different loads give allocations per
 * record: gcc -shared -fPIC -O2 -o malloc_count.so malloc_count.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own names: dlsym would itself allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong calls;

static void count(void)
{
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
	count();
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count();
	return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	count();
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count();
	return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
	count();
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	count();
	*result = __libc_memalign(alignment, size);
	return *result ? 0 : ENOMEM;
}

/* Async-signal-safe: no stdio. */
static void report(void)
{
	char line[64] = "malloc_count: ";
	char digits[24];
	size_t length = strlen(line);
	size_t digit = 0;
	unsigned long value = atomic_load(&calls);

	do {
		digits[digit++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (digit)
		line[length++] = digits[--digit];
	line[length++] = '\n';
	if (write(2, line, length) < 0)
		return;
}

static void on_signal(int number)
{
	(void)number;
	report();
}

__attribute__((constructor)) static void start(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
}

__attribute__((destructor)) static void end(void)
{
	report();
}
