// SPDX-License-Identifier: Apache-2.0
// What load.c holds probes against: a known number of everything.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "load.h"

void make_processes(void)
{
	for (int i = 0; i < MARKED; i++) {
		pid_t child = fork();
		if (!child) {
			execl("/nonexistent", "/nonexistent", "marked", NULL);
			execl("/proc/self/exe", "marked", "exit", NULL);
			_exit(1);
		}
		waitpid(child, NULL, 0);
	}
}

void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		perror("lo");
	close(fd);
}

static int listener(int backlog, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*address =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(fd, (void *)address, size) || listen(fd, backlog) ||
	    getsockname(fd, (void *)address, &size))
		perror("listen");
	return fd;
}

static int dial(const struct sockaddr_in *address, int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (connect(fd, (const void *)address, sizeof(*address)) && errno != ECONNREFUSED &&
	    errno != EINPROGRESS)
		perror("connect");
	return fd;
}

void make_connects(void)
{
	struct sockaddr_in address, full;
	int server = listener(MARKED, &address), busy, first, second, third;
	for (int i = 0; i < MARKED; i++) {
		close(dial(&address, 0));
		close(accept(server, NULL, NULL));
	}
	close(server);
	/* Nobody listens there any more. */
	for (int i = 0; i < MARKED; i++)
		close(dial(&address, 0));
	/* A queue of one place, which two connections fill: the third one's SYN is dropped. */
	busy = listener(0, &full);
	first = dial(&full, 0);
	second = dial(&full, SOCK_NONBLOCK);
	third = dial(&full, SOCK_NONBLOCK);
	usleep(1500 * 1000);
	close(first);
	close(second);
	close(third);
	close(busy);
}
