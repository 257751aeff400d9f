// SPDX-License-Identifier: Apache-2.0
// The network of connects.c: a namespace with a loopback, routes that refuse, and a tunnel device
// whose far end is the thread below. And a cgroup in which every connect is denied.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "connects.h"

struct wire wires[FAR_PORTS];

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, TCP_BYTES = 20, MY_SEQUENCE = 1000 };

void fail(const char *what)
{
	fprintf(stderr, "connects: %s: %s\n", what, strerror(errno));
	leave_denying_cgroup();
	exit(1);
}

/* An IPv4 or IPv6 packet with TCP in it, taken apart. */
struct packet {
	uint8_t *bytes;
	size_t size;
	bool six;
	uint8_t *tcp;
};

static uint32_t sum(const uint8_t *bytes, size_t size, uint32_t so_far)
{
	for (size_t i = 0; i < size; i++)
		so_far += i & 1 ? bytes[i] : bytes[i] << 8;
	return so_far;
}

static void put_checksum(uint8_t *at, uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	at[0] = ~total >> 8;
	at[1] = ~total;
}

static void put_u32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static uint16_t get_u16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

/* An IP header back to where `to` came from; returns the sum of its pseudo header. */
static uint32_t put_ip(uint8_t *out, const struct packet *to, uint8_t protocol, size_t payload)
{
	memset(out, 0, 40);
	if (to->six) {
		out[0] = 0x60;
		out[4] = payload >> 8;
		out[5] = payload;
		out[6] = protocol;
		out[7] = 64;
		memcpy(out + 8, to->bytes + 24, 16);
		memcpy(out + 24, to->bytes + 8, 16);
		return sum(out + 8, 32, protocol + payload);
	}
	out[0] = 0x45;
	out[2] = (20 + payload) >> 8;
	out[3] = 20 + payload;
	out[8] = 64;
	out[9] = protocol;
	memcpy(out + 12, to->bytes + 16, 4);
	memcpy(out + 16, to->bytes + 12, 4);
	put_checksum(out + 10, sum(out, 20, 0));
	return sum(out + 12, 8, protocol + payload);
}

static void answer_tcp(int tunnel, const struct packet *to, uint8_t flags, uint32_t sequence)
{
	uint8_t out[128];
	size_t header = to->six ? 40 : 20;
	uint8_t *tcp = out + header;
	uint32_t pseudo = put_ip(out, to, IPPROTO_TCP, TCP_BYTES);
	memset(tcp, 0, TCP_BYTES);
	memcpy(tcp, to->tcp + 2, 2);
	memcpy(tcp + 2, to->tcp, 2);
	put_u32(tcp + 4, sequence);
	if (flags & ACK)
		put_u32(tcp + 8, get_u32(to->tcp + 4) + 1);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	tcp[14] = 0xff;
	put_checksum(tcp + 16, sum(tcp, TCP_BYTES, pseudo));
	if (write(tunnel, out, header + TCP_BYTES) < 0)
		fail("answer");
}

static void answer_icmp(int tunnel, const struct packet *to, bool host)
{
	uint8_t out[256];
	size_t header = to->six ? 40 : 20;
	size_t quoted = to->size < 100 ? to->size : 100;
	uint8_t *icmp = out + header;
	uint32_t pseudo = put_ip(out, to, to->six ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8 + quoted);
	memset(icmp, 0, 8);
	icmp[0] = to->six ? 1 : 3;
	icmp[1] = host ? (to->six ? 3 : 1) : 0;
	memcpy(icmp + 8, to->bytes, quoted);
	put_checksum(icmp + 2, sum(icmp, 8 + quoted, to->six ? pseudo : 0));
	if (write(tunnel, out, header + 8 + quoted) < 0)
		fail("answer");
}

static void answer(int tunnel, const struct packet *packet)
{
	uint16_t port = get_u16(packet->tcp + 2);
	uint8_t flags = packet->tcp[13];
	struct timespec delay = {.tv_nsec = ANSWER_DELAY_NS};
	uint32_t syns;
	if (port >= FAR_PORTS)
		return;
	if (flags == (SYN | ACK)) {
		if (port / 100 == FAR_CROSSES)
			answer_tcp(tunnel, packet, RST, MY_SEQUENCE + 1);
		return;
	}
	/* A SYN may carry Fast Open's data, and ask for congestion notification. */
	if ((flags & (SYN | ACK | RST | FIN)) != SYN)
		return;
	wires[port].source_port = get_u16(packet->tcp);
	syns = ++wires[port].syns;
	if (port / 100 == FAR_SILENT)
		return;
	nanosleep(&delay, NULL);
	if (port / 100 == FAR_REFUSES)
		answer_tcp(tunnel, packet, RST | ACK, 0);
	else if (port / 100 == FAR_CROSSES)
		answer_tcp(tunnel, packet, SYN, MY_SEQUENCE);
	else if (port / 100 == FAR_ANSWERS_LATE && syns == 2)
		answer_tcp(tunnel, packet, SYN | ACK, MY_SEQUENCE);
	else if (port / 100 == FAR_NO_HOST || port / 100 == FAR_NO_NET)
		answer_icmp(tunnel, packet, port / 100 == FAR_NO_HOST);
}

static void *far_end(void *argument)
{
	int tunnel = (int)(intptr_t)argument;
	uint8_t bytes[65536];
	ssize_t size;
	while ((size = read(tunnel, bytes, sizeof(bytes))) > 0) {
		struct packet packet = {.bytes = bytes, .size = size, .six = bytes[0] >> 4 == 6};
		size_t header = packet.six ? 40 : (bytes[0] & 15) * 4;
		packet.tcp = bytes + header;
		if (bytes[packet.six ? 6 : 9] == IPPROTO_TCP && (size_t)size >= header + TCP_BYTES)
			answer(tunnel, &packet);
	}
	return NULL;
}

static void set(const char *name, const char *value)
{
	char path[128];
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	int file = open(path, O_WRONLY);
	if (file < 0 || write(file, value, strlen(value)) < 0)
		fail(path);
	close(file);
}

static void bring_up(const char *name)
{
	struct ifreq request = {0};
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(request.ifr_name, name);
	if (ioctl(control, SIOCGIFFLAGS, &request))
		fail(name);
	request.ifr_flags |= IFF_UP;
	if (ioctl(control, SIOCSIFFLAGS, &request))
		fail(name);
	close(control);
}

/* One address or route by netlink; `interface` 0: a route of type `kind`. */
static void add(int family, const char *address, int prefix, unsigned int interface, int kind)
{
	struct {
		struct nlmsghdr header;
		union {
			struct rtmsg route;
			struct ifaddrmsg address;
		};
		char attributes[64];
	} request = {0};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} reply = {0};
	size_t length = family == AF_INET ? 4 : 16;
	struct rtattr *attribute;
	int control = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	size_t body = interface ? sizeof(request.address) : sizeof(request.route);
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
	request.header.nlmsg_type = interface ? RTM_NEWADDR : RTM_NEWROUTE;
	if (interface) {
		request.address.ifa_family = family;
		request.address.ifa_prefixlen = prefix;
		request.address.ifa_flags = IFA_F_NODAD;
		request.address.ifa_index = interface;
	} else {
		request.route.rtm_family = family;
		request.route.rtm_dst_len = prefix;
		request.route.rtm_table = RT_TABLE_MAIN;
		request.route.rtm_protocol = RTPROT_STATIC;
		request.route.rtm_type = kind;
	}
	attribute = (struct rtattr *)((char *)&request + NLMSG_SPACE(body));
	attribute->rta_type = interface ? (unsigned int)IFA_LOCAL : (unsigned int)RTA_DST;
	attribute->rta_len = RTA_LENGTH(length);
	inet_pton(family, address, RTA_DATA(attribute));
	request.header.nlmsg_len = NLMSG_SPACE(body) + RTA_LENGTH(length);
	if (send(control, &request, request.header.nlmsg_len, 0) < 0 ||
	    recv(control, &reply, sizeof(reply), 0) < 0)
		fail("netlink");
	errno = -reply.error.error;
	if (errno)
		fail(address);
	close(control);
}

static int open_tunnel(const char *name)
{
	const char *own = "/dev/apus-connects-tun";
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int tunnel = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tunnel < 0) {
		if (mknod(own, S_IFCHR | 0600, makedev(10, 200)) && errno != EEXIST)
			fail(own);
		tunnel = open(own, O_RDWR | O_CLOEXEC);
		unlink(own);
	}
	strcpy(request.ifr_name, name);
	if (tunnel < 0 || ioctl(tunnel, TUNSETIFF, &request))
		fail("tunnel");
	return tunnel;
}

void enter_network(int syn_retries)
{
	char number[16];
	pthread_t thread;
	int tunnel;
	if (unshare(CLONE_NEWNET))
		fail("unshare");
	snprintf(number, sizeof(number), "%d", syn_retries);
	set("ipv4/tcp_syn_retries", number);
	set("ipv4/tcp_fastopen", "3");
	/* Or Fast Open is left alone for an hour after the far end has not answered one. */
	set("ipv4/tcp_fastopen_blackhole_timeout_sec", "0");
	set("ipv6/conf/all/disable_ipv6", "0");
	bring_up("lo");
	tunnel = open_tunnel("far");
	bring_up("far");
	add(AF_INET, NEAR_V4, 24, if_nametoindex("far"), 0);
	add(AF_INET6, NEAR_V6, 64, if_nametoindex("far"), 0);
	add(AF_INET, NO_HOST_V4, 32, 0, RTN_UNREACHABLE);
	add(AF_INET6, NO_HOST_V6, 128, 0, RTN_UNREACHABLE);
	add(AF_INET, PROHIBITED_V4, 32, 0, RTN_PROHIBIT);
	add(AF_INET6, PROHIBITED_V6, 128, 0, RTN_PROHIBIT);
	if (pthread_create(&thread, NULL, far_end, (void *)(intptr_t)tunnel))
		fail("thread");
}
