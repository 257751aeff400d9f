/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of glibc and libbpf that Swift's Glibc module hides or cannot call. */
#define _GNU_SOURCE
#include "capus.h"
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void (*log_sink)(int level, const char *text);

static int forward(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[2048]; /* a longer verifier log is cut: its head names the fault */

	int length = vsnprintf(text, sizeof(text), format, arguments);
	if (length > 0 && (size_t)length < sizeof(text) && text[length - 1] == '\n')
		text[length - 1] = 0;
	log_sink((int)level, text);
	return length;
}

void capus_libbpf_log(void (*sink)(int level, const char *text))
{
	log_sink = sink;
	libbpf_set_print(forward);
}

const char *capus_errno_name(int code)
{
	return strerrorname_np(code);
}

const char *capus_signal_name(int number)
{
	return sigabbrev_np(number);
}

void capus_wait_for_programs(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

void capus_release_memory(void)
{
	malloc_trim(0);
}

void capus_thread_name(unsigned long thread, const char *name)
{
	pthread_setname_np(thread, name);
}

int capus_open_cgroup(int mount_fd, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} kernfs = {
	    .handle = {.handle_bytes = sizeof(id), .handle_type = 0xfe /* FILEID_KERNFS */}};

	memcpy(kernfs.handle.f_handle, &id, sizeof(id));
	return open_by_handle_at(mount_fd, &kernfs.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int capus_perf_output(int cpu, uint32_t wake_bytes)
{
	struct perf_event_attr attributes = {
	    .size = sizeof(attributes),
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_BPF_OUTPUT,
	    .sample_type = PERF_SAMPLE_RAW,
	    .sample_period = 1,
	    .watermark = 1,
	    .wakeup_watermark = wake_bytes,
	};

	return (int)syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}
