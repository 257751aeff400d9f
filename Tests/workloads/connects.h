/* SPDX-License-Identifier: Apache-2.0 */
/* A network of one's own in which each outcome of a connect can be had: see connects_network.c. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* What the far end does with a SYN, by the hundreds of its port. */
enum behaviour {
	FAR_SILENT = 100,
	FAR_REFUSES = 101,	/* RST */
	FAR_CROSSES = 102,	/* a SYN of its own, then RST to what answers it */
	FAR_NO_HOST = 103,	/* ICMP */
	FAR_NO_NET = 104,	/* ICMP */
	FAR_ANSWERS_LATE = 105, /* SYN-ACK, to the second SYN only */
};

enum { ANSWER_DELAY_NS = 5000000, FAR_PORTS = 10700 };

/* What was seen of a connect on the wire, by its destination port. */
struct wire {
	_Atomic uint16_t source_port;
	_Atomic uint32_t syns;
};

extern struct wire wires[FAR_PORTS];

#define NEAR_V4	      "10.23.0.1"
#define FAR_V4	      "10.23.0.2"
#define NEAR_V6	      "fd23::1"
#define FAR_V6	      "fd23::2"
#define NO_NET_V4     "192.0.2.1" /* there is no route */
#define NO_NET_V6     "2001:db8::1"
#define NO_HOST_V4    "198.51.100.1" /* the route says unreachable */
#define NO_HOST_V6    "fd24::1"
#define PROHIBITED_V4 "203.0.113.1" /* the route says prohibited */
#define PROHIBITED_V6 "fd25::1"

void fail(const char *what);
void enter_network(int syn_retries);
void enter_denying_cgroup(void);
void leave_denying_cgroup(void);
