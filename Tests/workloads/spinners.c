/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spinners CPU COUNT SECONDS [CGROUP_PROCS_FILE]: COUNT processes that do nothing but spin, pinned
 * to one CPU, for SECONDS. Each waits while the others run, and the kernel's own account of that
 * wait (schedstat: time on the CPU, time runnable but waiting, time slices) is printed as JSON.
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

static void report(pid_t child, int last)
{
	unsigned long long ran = 0, waited = 0, slices = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", child);
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%llu %llu %llu", &ran, &waited, &slices) != 3)
		exit(1);
	fclose(file);
	printf("{\"pid\":%d,\"ran_ns\":%llu,\"waited_ns\":%llu,\"slices\":%llu}%s", child, ran,
	       waited, slices, last ? "]\n" : ",");
}

int main(int count_of_arguments, char **arguments)
{
	if (count_of_arguments < 4) {
		fprintf(stderr, "usage: spinners CPU COUNT SECONDS [CGROUP_PROCS_FILE]\n");
		return 2;
	}
	int count = atoi(arguments[2]);
	double seconds = atof(arguments[3]);
	struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
	pid_t children[LIMIT];

	if (count < 1 || count > LIMIT)
		return 2;
	for (int index = 0; index < count; index++) {
		children[index] = fork();
		if (children[index] == 0) {
			if (count_of_arguments > 4)
				join_group(arguments[4]);
			pin(atoi(arguments[1]));
			spin();
		}
	}
	nanosleep(&time, NULL);
	/* Stopped, they wait for nothing any more, so the two accounts end at the same moment. */
	for (int index = 0; index < count; index++)
		kill(children[index], SIGSTOP);
	for (int index = 0; index < count; index++)
		waitpid(children[index], NULL, WUNTRACED);
	printf("[");
	for (int index = 0; index < count; index++)
		report(children[index], index == count - 1);
	fflush(stdout);
	for (int index = 0; index < count; index++) {
		kill(children[index], SIGKILL);
		waitpid(children[index], NULL, 0);
	}
	return 0;
}
