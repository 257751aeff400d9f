// SPDX-License-Identifier: Apache-2.0
// A cgroup of this process's own in which every connect is denied with EPERM, for connects.c.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "connects.h"

static char denying[512], before[512];

static void find_mount(char *mount, size_t size)
{
	char line[1024], kind[64], path[256];
	FILE *mounts = fopen("/proc/mounts", "re");
	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s %255s %63s", path, kind) == 2 && !strcmp(kind, "cgroup2")) {
			snprintf(mount, size, "%s", path);
			fclose(mounts);
			return;
		}
	}
	errno = ENOENT;
	fail("cgroup2");
}

static void join(const char *directory)
{
	char path[640], number[16];
	int length = snprintf(number, sizeof(number), "%d", getpid());
	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	int file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0 || write(file, number, length) != length)
		fprintf(stderr, "connects: %s: %s\n", path, strerror(errno));
	close(file);
}

static void attach_denial(int cgroup, enum bpf_attach_type type)
{
	const struct bpf_insn program[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr load = {
	    .prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	    .expected_attach_type = type,
	    .insns = (uintptr_t)program,
	    .insn_cnt = 2,
	    .license = (uintptr_t) "GPL",
	};
	union bpf_attr attach = {
	    .target_fd = cgroup,
	    .attach_type = type,
	    .attach_flags = BPF_F_ALLOW_MULTI,
	};
	attach.attach_bpf_fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if ((int)attach.attach_bpf_fd < 0 ||
	    syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)))
		fail("denial");
	close(attach.attach_bpf_fd);
}

void enter_denying_cgroup(void)
{
	char mount[256], line[256];
	FILE *file = fopen("/proc/self/cgroup", "re");
	int cgroup;
	find_mount(mount, sizeof(mount));
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "0::", 3))
			snprintf(before, sizeof(before), "%s%s", mount, line + 3);
	}
	snprintf(denying, sizeof(denying), "%s/apus-connects-%d", mount, getpid());
	if (mkdir(denying, 0755))
		fail(denying);
	cgroup = open(denying, O_RDONLY | O_CLOEXEC);
	attach_denial(cgroup, BPF_CGROUP_INET4_CONNECT);
	attach_denial(cgroup, BPF_CGROUP_INET6_CONNECT);
	close(cgroup);
	join(denying);
}

void leave_denying_cgroup(void)
{
	if (!denying[0])
		return;
	join(before);
	if (rmdir(denying))
		perror(denying);
	denying[0] = 0;
}
