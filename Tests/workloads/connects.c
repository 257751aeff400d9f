// SPDX-License-Identifier: Apache-2.0
// Connects in one way to one outcome, each in a thread of its own, and prints one JSON line for
// each with what this side and the wire know of it.
//
// connects WAY OUTCOME v4|v6|mapped COUNT. The outcome `pending` leaves the connects under way,
// prints, and closes them when standard input ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "connects.h"

enum { JOBS_MAX = 50, NEAR_PORT = 7100, ONLY_PORT = 40000, REST_MS = 20 };
#define MS 1000000LL

enum way { BLOCKING, NONBLOCKING, IO_URING, FASTOPEN, FASTOPEN_NONBLOCKING, FASTOPEN_CONNECT };
static const char *const way_names[] = {"blocking", "nonblocking",	    "io_uring",
					"fastopen", "fastopen_nonblocking", "fastopen_connect"};

/* Where an outcome is to be had, and what to do once the SYN is out. */
enum act { NOTHING, LEAVE, SIGNAL, RESTART, SHUT, UNSPECIFIED, HOLD };
struct outcome {
	const char *name;
	const char *v4, *v6;
	int behaviour; /* 0: not on the wire */
	enum act act;
	int64_t least_ns;
};

static const struct outcome outcomes[] = {
    {"established", "127.0.0.1", "::1", 0, NOTHING, 0},
    {"refused", FAR_V4, FAR_V6, FAR_REFUSES, NOTHING, ANSWER_DELAY_NS},
    {"timed_out", FAR_V4, FAR_V6, FAR_SILENT, NOTHING, 2900 * MS},
    {"no_net", NO_NET_V4, NO_NET_V6, 0, NOTHING, 0},
    {"no_host", NO_HOST_V4, NO_HOST_V6, 0, NOTHING, 0},
    {"no_net_icmp", FAR_V4, FAR_V6, FAR_NO_NET, NOTHING, ANSWER_DELAY_NS},
    {"no_host_icmp", FAR_V4, FAR_V6, FAR_NO_HOST, NOTHING, ANSWER_DELAY_NS},
    {"reset", FAR_V4, FAR_V6, FAR_CROSSES, NOTHING, ANSWER_DELAY_NS},
    {"denied", "127.0.0.1", "::1", 0, NOTHING, 0},
    {"prohibited", PROHIBITED_V4, PROHIBITED_V6, 0, NOTHING, 0},
    {"no_address", "127.0.0.1", "::1", 0, NOTHING, 0},
    {"interrupted", FAR_V4, FAR_V6, FAR_SILENT, SIGNAL, REST_MS *MS},
    {"resumed", FAR_V4, FAR_V6, FAR_ANSWERS_LATE, SIGNAL, 900 * MS},
    {"restarted", FAR_V4, FAR_V6, FAR_ANSWERS_LATE, RESTART, 900 * MS},
    {"abandoned", FAR_V4, FAR_V6, FAR_SILENT, LEAVE, REST_MS *MS},
    {"unspecified", FAR_V4, FAR_V6, FAR_SILENT, UNSPECIFIED, REST_MS *MS},
    {"shut", FAR_V4, FAR_V6, FAR_SILENT, SHUT, REST_MS *MS},
    {"pending", FAR_V4, FAR_V6, FAR_SILENT, HOLD, REST_MS *MS},
};

struct job {
	pthread_t thread;
	struct sockaddr_in6 to; /* or sockaddr_in */
	socklen_t length;
	uint16_t port;
	int socket, error, tid;
	uint64_t cookie;
	int64_t most_ns;
	char source[INET6_ADDRSTRLEN];
	uint16_t source_port;
};

static enum way way;
static const struct outcome *outcome;
static bool mapped, six;
static int count;
static struct job jobs[JOBS_MAX];

static int64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * 1000 * MS + time.tv_nsec;
}

static void rest(void)
{
	struct timespec time = {.tv_nsec = REST_MS * MS};
	while (nanosleep(&time, &time))
		;
}

/* A ring of its own for each connect; what the application is to do is done by hand. */
struct ring {
	int file;
	struct io_uring_params parameters;
	uint8_t *rings;
	struct io_uring_sqe *entries;
};

static struct ring open_ring(void)
{
	struct ring ring = {0};
	size_t size;
	ring.file = syscall(SYS_io_uring_setup, 4, &ring.parameters);
	if (ring.file < 0)
		fail("io_uring");
	size = ring.parameters.cq_off.cqes + 8 * sizeof(struct io_uring_cqe);
	ring.rings = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			  ring.file, IORING_OFF_SQ_RING);
	ring.entries = mmap(NULL, 4 * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, ring.file, IORING_OFF_SQES);
	if (ring.rings == MAP_FAILED || ring.entries == MAP_FAILED)
		fail("io_uring");
	return ring;
}

static void submit(struct ring *ring, struct io_uring_sqe entry)
{
	_Atomic uint32_t *tail = (void *)(ring->rings + ring->parameters.sq_off.tail);
	uint32_t *places = (void *)(ring->rings + ring->parameters.sq_off.array);
	uint32_t place = *tail & 3;
	ring->entries[place] = entry;
	places[place] = place;
	++*tail;
	if (syscall(SYS_io_uring_enter, ring->file, 1, 0, 0, NULL, 0) != 1)
		fail("io_uring_enter");
}

static int reap(struct ring *ring)
{
	_Atomic uint32_t *head = (void *)(ring->rings + ring->parameters.cq_off.head);
	_Atomic uint32_t *tail = (void *)(ring->rings + ring->parameters.cq_off.tail);
	struct io_uring_cqe *cqes = (void *)(ring->rings + ring->parameters.cq_off.cqes);
	int result;
	while (*head == *tail)
		syscall(SYS_io_uring_enter, ring->file, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	result = cqes[*head & (ring->parameters.cq_entries - 1)].res;
	++*head;
	return result;
}

/* The errno with which the call ends; EINPROGRESS when the connect goes on. */
static int connect_by_ring(struct job *job)
{
	struct ring ring = open_ring();
	struct io_uring_sqe connecting = {
	    .opcode = IORING_OP_CONNECT,
	    .fd = job->socket,
	    .addr = (uintptr_t)&job->to,
	    .off = job->length,
	    .user_data = 1,
	};
	struct io_uring_sqe cancelling = {.opcode = IORING_OP_ASYNC_CANCEL, .addr = 1};
	submit(&ring, connecting);
	if (outcome->act == HOLD)
		return EINPROGRESS;
	if (outcome->act == LEAVE || outcome->act == UNSPECIFIED) {
		rest();
		submit(&ring, cancelling);
		reap(&ring);
		reap(&ring);
		return EINPROGRESS;
	}
	return -reap(&ring);
}

static int start(struct job *job)
{
	struct sockaddr *to = (struct sockaddr *)&job->to;
	int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	switch (way) {
	case IO_URING:
		return connect_by_ring(job);
	case FASTOPEN:
		return sendto(job->socket, "x", 1, flags, to, job->length) < 0 ? errno : 0;
	case FASTOPEN_NONBLOCKING: /* Returns 1 when there was a cookie for the data to go with. */
		if (sendto(job->socket, "x", 1, flags | MSG_DONTWAIT, to, job->length) > 0)
			return EINPROGRESS;
		return errno;
	case FASTOPEN_CONNECT: /* With a cookie, connect returns 0 and the write connects. */
		if (connect(job->socket, to, job->length))
			return errno;
		return send(job->socket, "x", 1, MSG_NOSIGNAL) < 0 ? errno : 0;
	default:
		return connect(job->socket, to, job->length) ? errno : 0;
	}
}

/* Of a connect that goes on, how it ends. */
static int await(struct job *job)
{
	struct pollfd poll_for = {.fd = job->socket, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int error = 0;
	while (poll(&poll_for, 1, -1) != 1)
		;
	getsockopt(job->socket, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

static void note_ends(struct job *job)
{
	struct sockaddr_in6 near = {0};
	socklen_t size = sizeof(near);
	socklen_t cookie_size = sizeof(job->cookie);
	getsockopt(job->socket, SOL_SOCKET, SO_COOKIE, &job->cookie, &cookie_size);
	if (outcome->behaviour) {
		while (!wires[job->port].syns)
			sched_yield();
		strcpy(job->source, six ? NEAR_V6 : NEAR_V4);
		job->source_port = wires[job->port].source_port;
	} else if (!job->error && !getsockname(job->socket, (struct sockaddr *)&near, &size)) {
		strcpy(job->source, outcome->v4);
		if (six)
			strcpy(job->source, outcome->v6);
		job->source_port = ntohs(near.sin6_port);
	}
}

static void *run(void *argument)
{
	struct job *job = argument;
	int64_t began_ns;
	job->tid = gettid();
	began_ns = now_ns();
	job->error = start(job);
	if (outcome->act == LEAVE || outcome->act == UNSPECIFIED) {
		struct sockaddr none = {.sa_family = AF_UNSPEC};
		if (job->error != EINPROGRESS)
			fail("the connect is over");
		rest();
		/* A last look, before the socket is gone. */
		note_ends(job);
		if (outcome->act == UNSPECIFIED)
			connect(job->socket, &none, sizeof(none));
		else
			close(job->socket);
		job->error = 0;
	} else if (outcome->act == HOLD) {
		rest();
		job->error = 0;
	} else if (job->error == EINPROGRESS ||
		   (job->error == EINTR && outcome->behaviour == FAR_ANSWERS_LATE)) {
		job->error = await(job);
	}
	job->most_ns = now_ns() - began_ns;
	if (outcome->act != LEAVE)
		note_ends(job);
	if (outcome->act == SIGNAL)
		close(job->socket);
	return NULL;
}

static void make(struct job *job, int number)
{
	const int yes = 1;
	struct timeval soon = {.tv_usec = REST_MS * 1000};
	int nonblocking = way == NONBLOCKING ? SOCK_NONBLOCK : 0;
	const char *address = six ? outcome->v6 : outcome->v4;
	char text[64];
	job->port = outcome->behaviour ? outcome->behaviour * 100 + number : NEAR_PORT;
	snprintf(text, sizeof(text), "%s%s", mapped ? "::ffff:" : "", address);
	job->to.sin6_port = htons(job->port);
	if (six || mapped) {
		job->to.sin6_family = AF_INET6;
		job->length = sizeof(struct sockaddr_in6);
		inet_pton(AF_INET6, text, &job->to.sin6_addr);
	} else {
		job->to.sin6_family = AF_INET;
		job->length = sizeof(struct sockaddr_in);
		inet_pton(AF_INET, text, &((struct sockaddr_in *)&job->to)->sin_addr);
	}
	job->socket = socket(job->to.sin6_family, SOCK_STREAM | SOCK_CLOEXEC | nonblocking, 0);
	if (job->socket < 0)
		fail("socket");
	if (way == FASTOPEN_CONNECT &&
	    setsockopt(job->socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &yes, sizeof(yes)))
		fail("TCP_FASTOPEN_CONNECT");
	if (outcome->act == LEAVE || outcome->act == UNSPECIFIED || outcome->act == HOLD)
		setsockopt(job->socket, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
}

/* Backlog enough that nobody needs to accept. */
static void listen_near(void)
{
	struct sockaddr_in6 near = {.sin6_family = AF_INET6, .sin6_port = htons(NEAR_PORT)};
	int queue = JOBS_MAX;
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&near, sizeof(near)) ||
	    setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)) ||
	    listen(listener, 2 * JOBS_MAX))
		fail("listen");
}

/* Another process takes the only port that there is, so that none is left to connect from. */
static void take_the_only_port(void)
{
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");
	int status;
	if (!range || fprintf(range, "%d %d", ONLY_PORT, ONLY_PORT) < 0 || fclose(range))
		fail("port range");
	make(&jobs[0], 0);
	pid_t child = fork();
	if (!child) {
		fcntl(jobs[0].socket, F_SETFL, 0);
		_exit(connect(jobs[0].socket, (struct sockaddr *)&jobs[0].to, jobs[0].length) != 0);
	}
	waitpid(child, &status, 0);
	if (status)
		fail("the only port");
}

static void on_signal(int number)
{
	(void)number;
}

/* Once each SYN has been seen on the wire, and a rest after that. */
static void act(void)
{
	for (int i = 0; i < count; i++)
		while (!wires[jobs[i].port].syns)
			sched_yield();
	rest();
	for (int i = 0; i < count; i++) {
		if (outcome->act == SHUT)
			shutdown(jobs[i].socket, SHUT_RDWR);
		else
			pthread_kill(jobs[i].thread, SIGUSR1);
	}
}

static void print(void)
{
	struct stat space;
	stat("/proc/self/ns/net", &space);
	for (int i = 0; i < count; i++) {
		struct job *job = &jobs[i];
		printf("{\"pid\":%d,\"tid\":%d,\"errno\":%d,\"source\":\"%s\",\"source_port\":%u,"
		       "\"destination\":\"%s\",\"destination_port\":%u,\"cookie\":%llu,"
		       "\"net_namespace\":%llu,\"least_ns\":%lld,\"most_ns\":%lld}\n",
		       getpid(), job->tid, job->error, job->source, job->source_port,
		       six ? outcome->v6 : outcome->v4, job->port, (unsigned long long)job->cookie,
		       (unsigned long long)space.st_ino, (long long)outcome->least_ns,
		       (long long)job->most_ns);
	}
	fflush(stdout);
}

static void read_arguments(char **arguments)
{
	for (size_t i = 0; i < sizeof(way_names) / sizeof(way_names[0]); i++)
		if (!strcmp(arguments[1], way_names[i]))
			way = i;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (!strcmp(arguments[2], outcomes[i].name))
			outcome = &outcomes[i];
	six = !strcmp(arguments[3], "v6");
	mapped = !strcmp(arguments[3], "mapped");
	count = atoi(arguments[4]);
	if (!outcome || strcmp(arguments[1], way_names[way]) || count < 1 || count > JOBS_MAX) {
		errno = EINVAL;
		fail("connects WAY OUTCOME v4|v6|mapped COUNT");
	}
}

int main(int arguments_count, char **arguments)
{
	struct sigaction action = {.sa_handler = on_signal};
	if (arguments_count != 5)
		return 2;
	read_arguments(arguments);
	action.sa_flags = outcome->act == RESTART ? SA_RESTART : 0;
	sigaction(SIGUSR1, &action, NULL);
	enter_network(outcome->act == HOLD ? 6 : 1);
	listen_near();
	if (!strcmp(outcome->name, "no_address"))
		take_the_only_port();
	if (!strcmp(outcome->name, "denied"))
		enter_denying_cgroup();
	for (int i = 0; i < count; i++)
		make(&jobs[i], i);
	for (int i = 0; i < count; i++)
		if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]))
			fail("thread");
	if (outcome->act == SIGNAL || outcome->act == RESTART || outcome->act == SHUT)
		act();
	for (int i = 0; i < count; i++)
		pthread_join(jobs[i].thread, NULL);
	leave_denying_cgroup();
	print();
	while (outcome->act == HOLD && getchar() != EOF)
		;
	return 0;
}
