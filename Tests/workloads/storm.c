/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm PROGRAM COUNT [RATE]: executes PROGRAM COUNT times, one after the other, with its index as
 * an argument, waiting for each; at most RATE a second when given. Prints how many it executed,
 * as one JSON object: the load generator's own count, which the ledger is held against.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wait_until(double due)
{
	double rest = due - now();

	if (rest > 0) {
		struct timespec time = {(time_t)rest, (long)((rest - (double)(time_t)rest) * 1e9)};

		nanosleep(&time, NULL);
	}
}

int main(int count_of_arguments, char **arguments)
{
	if (count_of_arguments < 3) {
		fprintf(stderr, "usage: storm PROGRAM COUNT [RATE]\n");
		return 2;
	}
	char *program = arguments[1];
	long count = atol(arguments[2]), executed = 0, exited = 0;
	double rate = count_of_arguments > 3 ? atof(arguments[3]) : 0, began = now();
	char *empty[] = {NULL};

	for (long index = 0; index < count; index++) {
		char text[24];
		/* The last argument is the exit code. */
		char *vector[] = {program, text, "0", NULL};
		pid_t child;
		int status;

		snprintf(text, sizeof(text), "index=%ld", index);
		/* glibc's posix_spawn is CLONE_VFORK: no page tables are copied. */
		int error = posix_spawn(&child, program, NULL, NULL, vector, empty);
		if (error) {
			fprintf(stderr, "storm: %s: %s\n", program, strerror(error));
			return 1;
		}
		executed++;
		if (waitpid(child, &status, 0) == child && WIFEXITED(status))
			exited++;
		if (rate > 0)
			wait_until(began + (double)(index + 1) / rate);
	}
	printf("{\"executed\":%ld,\"exited\":%ld,\"seconds\":%.6f}\n", executed, exited,
	       now() - began);
	return 0;
}
