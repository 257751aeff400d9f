/* SPDX-License-Identifier: Apache-2.0 */
/* The C shim: what Swift cannot embed, import or call by itself. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/* One embedded BPF object; the bytes live as long as the program. */
struct capus_object {
	const void *_Nullable bytes;
	size_t size;
};

/* The modern or compatible build of bpf/NAME.bpf.c; no bytes when there is no such probe. */
struct capus_object capus_probe(const char *_Nonnull name, _Bool compatible);

/* Sends libbpf's messages to `sink`, one call a line; level 0 warns, 1 informs, 2 is debug. */
void capus_libbpf_log(void (*_Nonnull sink)(int level, const char *_Nonnull text));

/* The constant's name of an errno ("ENOENT"), or NULL. The string is static. */
const char *_Nullable capus_errno_name(int code);
/* The name of a signal without "SIG" ("TERM"), or NULL. The string is static. */
const char *_Nullable capus_signal_name(int number);

/*
 * Returns when every BPF program that was running at the call has ended: membarrier's global
 * command waits for an RCU grace period. Where it is refused (nohz_full) the call returns at once.
 */
void capus_wait_for_programs(void);

/* Gives freed heap pages back to the kernel. */
void capus_release_memory(void);

/* Names a thread; `thread` is a pthread_t. */
void capus_thread_name(unsigned long thread, const char *_Nonnull name);

/* Opens the cgroup directory whose kernfs id is `id` in the hierarchy of `mount_fd`; -1 and errno.
 */
int capus_open_cgroup(int mount_fd, uint64_t id);

/*
 * A perf event on a CPU that BPF programs write records to and that wakes its reader when
 * `wake_bytes` wait; -1 and errno.
 */
int capus_perf_output(int cpu, uint32_t wake_bytes);

/* Ordered access to memory that the kernel or another thread writes (ring positions, counters). */
static inline uint64_t capus_load_acquire_u64(const void *_Nonnull from)
{
	return __atomic_load_n((const uint64_t *)from, __ATOMIC_ACQUIRE);
}

static inline uint32_t capus_load_acquire_u32(const void *_Nonnull from)
{
	return __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);
}

static inline uint32_t capus_load_relaxed_u32(const void *_Nonnull from)
{
	return __atomic_load_n((const uint32_t *)from, __ATOMIC_RELAXED);
}

static inline uint64_t capus_load_relaxed_u64(const void *_Nonnull from)
{
	return __atomic_load_n((const uint64_t *)from, __ATOMIC_RELAXED);
}

static inline void capus_store_release_u64(void *_Nonnull to, uint64_t value)
{
	__atomic_store_n((uint64_t *)to, value, __ATOMIC_RELEASE);
}
