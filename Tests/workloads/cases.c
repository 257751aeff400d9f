/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases CASE COUNT PROGRAM [ARGUMENT…]: executes PROGRAM COUNT times in the way that CASE names,
 * each time with the given arguments and then an exit code that counts up from 0. Prints one line
 * per child: its pid and its wait status, which is the truth that the records are held against.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *empty[] = {NULL};

/*
 * Arguments in pages that nothing touches before the kernel does: in the middle of 512 KiB of
 * read-only data, further from anything read than the kernel maps ahead on a fault (64 KiB).
 */
enum { FAR = 256 * 1024 };
struct untouched {
	char before[FAR];
	char first[32], second[32], zero[8];
	char after[FAR];
};
static const struct untouched untouched __attribute__((aligned(4096))) = {
    .before = {1},
    .first = "untouched-first",
    .second = "untouched-second",
    .zero = "0",
    .after = {1},
};

static int open_copy(const char *program, int to)
{
	int from = open(program, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (from < 0 || fstat(from, &status))
		return -1;
	for (off_t done = 0; done < status.st_size;)
		if (sendfile(to, from, &done, (size_t)(status.st_size - done)) <= 0)
			return -1;
	close(from);
	return to;
}

static void plain(char *program, char **vector)
{
	execve(program, vector, empty);
}

static void relative(char *program, char **vector)
{
	char directory[4096], name[4096];

	snprintf(directory, sizeof(directory), "%s", program);
	snprintf(name, sizeof(name), "./%s", strrchr(program, '/') + 1);
	if (chdir(dirname(directory)) == 0)
		execve(name, vector, empty);
}

static void memory_file(char *program, char **vector)
{
	int copy = open_copy(program, memfd_create("apus-memory", MFD_CLOEXEC));

	if (copy >= 0)
		fexecve(copy, vector, empty);
}

static void deleted(char *program, char **vector)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s.deleted.%d", program, getpid());
	int copy = open_copy(program, open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
	if (copy < 0)
		return;
	close(copy);
	int reader = open(name, O_RDONLY | O_CLOEXEC);
	unlink(name);
	fexecve(reader, vector, empty);
}

struct call {
	char *program, **vector;
};

static void *execute(void *raw)
{
	const struct call *call = raw;

	execve(call->program, call->vector, empty);
	_exit(127);
}

static void from_thread(char *program, char **vector)
{
	struct call call = {program, vector};
	pthread_t thread;

	if (pthread_create(&thread, NULL, execute, &call) == 0)
		pause();
}

static void never_touched(char *program, char **vector)
{
	char *constant[] = {(char *)untouched.first, (char *)untouched.second,
			    (char *)untouched.zero, NULL};

	(void)vector;
	execve(program, constant, empty);
}

/* 20,001 bytes in three arguments: more than a record carries. */
static void long_vector(char *program, char **vector)
{
	static char filler[2][10000];
	char *longer[] = {vector[0], filler[0], filler[1], "0", NULL};

	memset(filler[0], 'a', sizeof(filler[0]) - 1);
	memset(filler[1], 'b', sizeof(filler[1]) - 1);
	execve(program, longer, empty);
}

static const struct {
	const char *name;
	void (*run)(char *program, char **vector);
} cases[] = {
    {"plain", plain},	   {"relative", relative},  {"memfd", memory_file},
    {"deleted", deleted},  {"thread", from_thread}, {"untouched", never_touched},
    {"long", long_vector},
};

static void child(size_t which, char **arguments, int count, int code)
{
	char *vector[64], text[16];

	if (count > 60)
		_exit(126);
	memcpy(vector, arguments, (size_t)count * sizeof(*vector));
	snprintf(text, sizeof(text), "%d", code);
	vector[count] = text;
	vector[count + 1] = NULL;
	cases[which].run(arguments[0], vector);
	_exit(127);
}

int main(int count_of_arguments, char **arguments)
{
	size_t which = 0, known = sizeof(cases) / sizeof(*cases);

	if (count_of_arguments < 4) {
		fprintf(stderr, "usage: cases CASE COUNT PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	while (which < known && strcmp(cases[which].name, arguments[1]))
		which++;
	if (which == known) {
		fprintf(stderr, "cases: no case named %s\n", arguments[1]);
		return 2;
	}
	for (int index = 0; index < atoi(arguments[2]); index++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			child(which, arguments + 3, count_of_arguments - 3, index);
		if (waitpid(pid, &status, 0) != pid)
			return 1;
		printf("%d %d\n", pid, status);
		fflush(stdout);
	}
	return 0;
}
