/* SPDX-License-Identifier: Apache-2.0 */
/* A loop of executions that allocates nothing, so that the bench's own allocations stand out. */
#include "cbench.h"
#include <errno.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>

int cbench_execute(const char *program, unsigned long times)
{
	/* The last is leaf's exit code. */
	char *arguments[] = {(char *)program,	       "--silent", "--max-time=5",
			     "http://10.0.0.1/health", "0",	   NULL};
	char *environment[] = {NULL};

	for (unsigned long i = 0; i < times; i++) {
		pid_t pid;
		int status;
		int code = posix_spawn(&pid, program, NULL, NULL, arguments, environment);

		if (code)
			return code;
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR)
				return errno;
	}
	return 0;
}
