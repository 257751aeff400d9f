/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spinners CPU COUNT SECONDS [CGROUP_PROCS_FILE]: COUNT processes that do nothing but spin, pinned
 * to one CPU, for SECONDS. Each waits while the others run, and the kernel's own account of that
 * wait (schedstat: time on the CPU, time runnable but waiting, time slices) is printed as JSON.
 * The last row is of this process itself, which lives in the same cgroup and waits there too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 16 };

static void spin(void)
{
	for (volatile unsigned long turns = 0;; turns++)
		;
}

static void join_group(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("sched_setaffinity");
		exit(1);
	}
}

struct account {
	unsigned long long ran, waited, slices;
};

static struct account account_of(pid_t process)
{
	struct account account = {0, 0, 0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", process);
	FILE *file = fopen(path, "r");
	if (!file ||
	    fscanf(file, "%llu %llu %llu", &account.ran, &account.waited, &account.slices) != 3) {
		perror(path);
		exit(1);
	}
	fclose(file);
	return account;
}

static void report(pid_t process, struct account since, const char *end)
{
	struct account now = account_of(process);

	printf("{\"pid\":%d,\"ran_ns\":%llu,\"waited_ns\":%llu,\"slices\":%llu}%s", process,
	       now.ran - since.ran, now.waited - since.waited, now.slices - since.slices, end);
}

int main(int count_of_arguments, char **arguments)
{
	const struct account nothing = {0, 0, 0};
	pid_t children[LIMIT];

	if (count_of_arguments < 4) {
		fprintf(stderr, "usage: spinners CPU COUNT SECONDS [CGROUP_PROCS_FILE]\n");
		return 2;
	}
	int count = atoi(arguments[2]);
	double seconds = atof(arguments[3]);
	struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	if (count < 1 || count > LIMIT)
		return 2;
	/* Before the fork, so that all of a child's waits belong to the cgroup and the CPU. */
	pin(atoi(arguments[1]));
	if (count_of_arguments > 4)
		join_group(arguments[4]);
	struct account began = account_of(getpid());
	for (int index = 0; index < count; index++) {
		children[index] = fork();
		if (children[index] == 0)
			spin();
	}
	nanosleep(&time, NULL);
	/* Stopped, they wait for nothing any more, so the two accounts end at the same moment. */
	for (int index = 0; index < count; index++)
		kill(children[index], SIGSTOP);
	for (int index = 0; index < count; index++)
		waitpid(children[index], NULL, WUNTRACED);
	printf("[");
	for (int index = 0; index < count; index++)
		report(children[index], nothing, ",");
	report(getpid(), began, "]\n");
	fflush(stdout);
	for (int index = 0; index < count; index++) {
		kill(children[index], SIGKILL);
		waitpid(children[index], NULL, 0);
	}
	return 0;
}
