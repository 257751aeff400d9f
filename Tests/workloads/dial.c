// SPDX-License-Identifier: Apache-2.0
// dial COUNT: so many connects over loopback, each accepted and reset, for the bench. Prints JSON.
//
// One thread does both ends: over loopback the handshake is over when connect returns. A reset
// leaves no port in TIME_WAIT, of which there would soon be none left.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(int count, char **arguments)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct linger reset = {.l_onoff = 1};
	socklen_t size = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int wanted = count > 1 ? atoi(arguments[1]) : 1000;
	double begin;
	if (bind(server, (void *)&address, size) || listen(server, 16) ||
	    getsockname(server, (void *)&address, &size))
		fail("listen");
	begin = now();
	for (int i = 0; i < wanted; i++) {
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;
		if (connect(client, (void *)&address, size))
			fail("connect");
		accepted = accept(server, NULL, NULL);
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(client);
		close(accepted);
	}
	printf("{\"connects\": %d, \"seconds\": %.6f}\n", wanted, now() - begin);
	return 0;
}
