/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leader_first CODE: the thread group leader ends at once; a second thread lives on for a while and
 * then ends the process with CODE. The process has exited once, at the end of its last thread.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int code;

static void *outlive(void *unused)
{
	struct timespec time = {0, 20000000};

	(void)unused;
	nanosleep(&time, NULL);
	syscall(SYS_exit_group, code);
	return NULL;
}

int main(int count_of_arguments, char **arguments)
{
	pthread_t thread;

	code = count_of_arguments > 1 ? atoi(arguments[count_of_arguments - 1]) : 0;
	if (pthread_create(&thread, NULL, outlive, NULL))
		return 99;
	/* Not pthread_exit: that would run on in libc; the bare system call ends this thread only.
	 */
	syscall(SYS_exit, 0);
}
