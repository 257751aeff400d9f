// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whose is a TCP socket? What other probes ask when a packet, not a process, makes the event.
//
// inet_sock_set_state sees connect and listen in the caller's own context. A connection that comes
// in is born of its listener in a softirq (LISTEN to SYN_RECV), where the current task is anybody:
// it is the listener's until accept returns it, which the exits of the system calls tell, and
// io_uring_complete for the ring's. What was open before is found by walking all files once.
//
// A passed or inherited socket stays its opener's. Two processes that listen on one address and
// port (SO_REUSEPORT) leave a connection without an owner until it is accepted. Not seen: accepts
// of 32-bit callers and into io_uring's direct descriptors, sockets that wait in an accept queue or
// in a message when the walk is made. Probes that ask for an owner at a socket's last state change
// have to be attached before this, which forgets it there.
//
// Run time by bpf_stats: state change 0.28 us (compat 0.48), accept 1.0 us (1.9), 0.11 us for any
// other ring's completion; the cost of a whole connection stands in tcpconnect.bpf.c.
#include "filter.bpf.h"
#include "process.bpf.h"
#include "sockets.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define IORING_OP_ACCEPT 13

struct listener_key {
	__u32 net_namespace;
	__u16 port;
	__u16 family;
	__u8 address[16];
};

struct listener {
	struct apus_owner owner;
	__u32 sockets;	 /* that listen here: by SO_REUSEPORT more than one */
	__u32 contested; /* by more than one process */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners SEC(".maps");

static __always_inline struct listener_key listener_key(struct sock *sk)
{
	struct listener_key key = {};
	key.net_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	key.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (key.family == AF_INET6)
		BPF_CORE_READ_INTO(&key.address, sk, __sk_common.skc_v6_rcv_saddr);
	else
		BPF_CORE_READ_INTO((__u32 *)key.address, sk, __sk_common.skc_rcv_saddr);
	return key;
}

static __always_inline bool same_process(const struct apus_process *a, const struct apus_process *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

static __always_inline void add_listener(struct sock *sk, const struct apus_owner *owner)
{
	struct listener_key key = listener_key(sk);
	struct listener fresh = {.sockets = 1};
	struct listener *found = bpf_map_lookup_elem(&listeners, &key);
	if (!found) {
		fresh.owner = *owner;
		if (!bpf_map_update_elem(&listeners, &key, &fresh, BPF_NOEXIST))
			return;
		found = bpf_map_lookup_elem(&listeners, &key);
		if (!found)
			return;
	}
	__sync_fetch_and_add(&found->sockets, 1);
	if (!same_process(&found->owner.process, &owner->process))
		found->contested = 1;
}

static __always_inline void remove_listener(struct sock *sk)
{
	struct listener_key key = listener_key(sk);
	struct listener *found;
	/* The port has been given back by now. */
	if (!key.port)
		key.port = source_port(sk);
	found = bpf_map_lookup_elem(&listeners, &key);
	if (!found)
		return;
	if (found->sockets > 1)
		__sync_fetch_and_add(&found->sockets, -1);
	else
		bpf_map_delete_elem(&listeners, &key);
}

static __always_inline void own(struct sock *sk, struct task_struct *task, __u32 origin)
{
	struct apus_owner owner = {.origin = origin};
	__u64 key = (__u64)sk;
	describe(&owner.process, task);
	owner.outside = !in_scope(task);
	bpf_map_update_elem(&owners, &key, &owner, BPF_ANY);
	if (origin == APUS_OWNER_LISTENED)
		add_listener(sk, &owner);
}

/* Of a listener that is bound to the connection's own address, else to any. */
static __always_inline struct listener *listener_of(struct sock *sk)
{
	struct listener_key key = listener_key(sk);
	struct listener *found = bpf_map_lookup_elem(&listeners, &key);
	if (found)
		return found;
	__builtin_memset(key.address, 0, sizeof(key.address));
	return bpf_map_lookup_elem(&listeners, &key);
}

/* Nothing of the socket that had this address before may stay, so no owner is also written. */
static __always_inline void on_birth(struct sock *sk)
{
	struct listener *listener = listener_of(sk);
	struct apus_owner owner;
	__u64 key = (__u64)sk;
	if (!listener || listener->contested) {
		bpf_map_delete_elem(&owners, &key);
		return;
	}
	owner = listener->owner;
	owner.origin = APUS_OWNER_LISTENER;
	bpf_map_update_elem(&owners, &key, &owner, BPF_ANY);
}

// Arguments: the socket, its state before and after.
HOOK("inet_sock_set_state")
int on_socket_state(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	int before = context[1], after = context[2];
	__u64 key = (__u64)sk;
	if (READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	switch (after) {
	case TCP_SYN_SENT:
		own(sk, current_task(), APUS_OWNER_CONNECTED);
		break;
	case TCP_LISTEN:
		own(sk, current_task(), APUS_OWNER_LISTENED);
		break;
	case TCP_SYN_RECV:
		if (before == TCP_LISTEN)
			on_birth(sk);
		break;
	case TCP_CLOSE:
		if (before == TCP_LISTEN)
			remove_listener(sk);
		bpf_map_delete_elem(&owners, &key);
		break;
	}
	return 0;
}

static __always_inline int on_accepted(struct sock *sk)
{
	if (sk && BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
		own(sk, current_task(), APUS_OWNER_ACCEPTED);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_accept")
int on_accept(struct trace_event_raw_sys_exit *context)
{
	long descriptor = context->ret;
	return descriptor < 0 ? 0 : on_accepted(socket_of_descriptor(descriptor));
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int on_accept4(struct trace_event_raw_sys_exit *context)
{
	long descriptor = context->ret;
	return descriptor < 0 ? 0 : on_accepted(socket_of_descriptor(descriptor));
}

/*
 * Arguments: the ring, the request, and by kernel (before 5.18 no request) either the completion
 * or its fields, so what it brought is read from the request. The completions of a multishot accept
 * name no request: such a connection stays its listener's.
 */
HOOK("io_uring_complete")
int on_accept_completed(__u64 *context)
{
	struct io_kiocb *request = (void *)context[1];
	int descriptor;
	if (!bpf_core_field_exists(request->cqe))
		return 0;
	if (!request || BPF_CORE_READ(request, opcode) != IORING_OP_ACCEPT)
		return 0;
	descriptor = BPF_CORE_READ(request, cqe.res);
	return descriptor < 0 ? 0 : on_accepted(socket_of_descriptor(descriptor));
}

static __always_inline void prime_listener(struct sock *sk, const struct apus_owner *before,
					   const struct apus_owner *owner)
{
	struct listener_key key = listener_key(sk);
	struct listener *found;
	if (!before) {
		add_listener(sk, owner);
		return;
	}
	found = bpf_map_lookup_elem(&listeners, &key);
	if (found && same_process(&found->owner.process, &before->process))
		found->owner = *owner;
}

/*
 * Run once, after the programs above are attached, so that nothing falls between. What they have
 * written since is newer; of several that have a socket open, it is that of the oldest process.
 */
SEC("iter/task_file")
int prime(struct bpf_iter__task_file *context)
{
	struct apus_owner owner = {.origin = APUS_OWNER_PRIMED};
	struct task_struct *task = context->task;
	struct apus_owner *found;
	struct sock *sk;
	__u64 key;
	int state;
	if (!task || !context->file)
		return 0;
	sk = socket_of_file(context->file);
	if (!sk)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == TCP_CLOSE)
		return 0;
	key = (__u64)sk;
	describe(&owner.process, READ(task, group_leader));
	owner.outside = !in_scope(READ(task, group_leader));
	found = bpf_map_lookup_elem(&owners, &key);
	if (found && (found->origin != APUS_OWNER_PRIMED ||
		      found->process.start_ns <= owner.process.start_ns))
		return 0;
	if (state == TCP_LISTEN)
		prime_listener(sk, found, &owner);
	bpf_map_update_elem(&owners, &key, &owner, found ? BPF_ANY : BPF_NOEXIST);
	return 0;
}
