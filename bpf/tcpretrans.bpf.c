// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which TCP segments were sent again, why, and whose were they?
//
// tcp_retransmit_skb fires in the one function that sends segments again, for all causes but a
// SYN-ACK of a connection that is still a request; tcp_retransmit_synack is that one. Both mostly
// run in softirq, on top of whatever task was there: `current` is never asked. A probe of the tail
// that finds new data to send is not one of them, nor for the kernel.
//
// Cost on a 2-core 6.18 machine, run time by bpf_stats: segments 1.1 us (compat 1.5), SYN-ACK
// 0.7 us (0.9); on a CPU that does a bulk transfer meanwhile 4 us, of cold caches. 600 MB with
// every hundredth packet dropped, 250 events: 1.2 s alone, 1.0 with this, 1.1 with the compat
// object, medians of 9, which is to say that the difference is below what such transfers vary by.
#include "emit.bpf.h"
#include "slots.bpf.h"
#include "socket_cgroup.bpf.h"
#include "sockets.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FLAG_SYN	0x02
#define FLAG_ACK	0x10
#define MARKED_LOST	0x04 /* TCPCB_LOST */
#define RETRANS_TRIED	0x80 /* TCPCB_EVER_RETRANS */
#define CA_RECOVERY	3
#define CA_LOSS		4
#define TIME_LOSS_PROBE 5 /* ICSK_TIME_LOSS_PROBE */
#define SRTT_SHIFT	3

enum { EAGAIN = 11, ENOMEM = 12, EBUSY = 16, EINVAL = 22, ENOBUFS = 105, EHOSTUNREACH = 113 };

#ifdef APUS_COMPAT
#define TCP_SOCK(sk)	    ((struct tcp_sock *)(sk))
#define READ_BITFIELD(s, f) BPF_CORE_READ_BITFIELD_PROBED(s, f)
#else
#define TCP_SOCK(sk)	    bpf_skc_to_tcp_sock(sk)
#define READ_BITFIELD(s, f) BPF_CORE_READ_BITFIELD(s, f)
#endif

/*
 * A probe is sent while its timer still counts as pending, whereas a timeout has ended its own. A
 * fast retransmit may find a probe's timer pending too, but sends only what is marked as lost,
 * which the last segment, that a probe repeats, is not. ca_state does not tell: a probe may come
 * in Disorder as well.
 *
 * In Loss without a place to undo to, and without a timeout behind it, are segments that were too
 * big for the path, and data that a Fast Open server did not take: nothing was congested.
 */
static __always_inline __u16 cause_of(struct tcp_sock *tcp, __u8 flags, __u8 sacked)
{
	struct inet_connection_sock *connection = &tcp->inet_conn;
	__u8 state;
	if (flags & FLAG_SYN)
		return flags & FLAG_ACK ? APUS_RETRANSMIT_SYN_ACK : APUS_RETRANSMIT_SYN;
	if (READ(connection, icsk_pending) == TIME_LOSS_PROBE && !(sacked & MARKED_LOST))
		return APUS_RETRANSMIT_PROBE;
	state = READ_BITFIELD(connection, icsk_ca_state);
	if (state == CA_RECOVERY)
		return APUS_RETRANSMIT_FAST;
	if (state == CA_LOSS && (READ(tcp, undo_marker) || READ(connection, icsk_retransmits)))
		return APUS_RETRANSMIT_TIMEOUT;
	return APUS_RETRANSMIT_OTHER;
}

/*
 * Whether TcpRetransSegs has counted it. From 6.17 (knobs say so) the tracepoint also tells of
 * what was given up before that: still in a queue of this host, no route, no memory, no window.
 * What has passed that point is marked as tried, so the mark's absence is proof; with it such an
 * error of an earlier step is far the likelier than the same one from the device.
 *
 * Before 6.17 attempts that failed later are in TcpRetransSegs (and TcpExtTCPRetransFail), but
 * nothing tells of them. A SYN-ACK that could not be sent again is neither counted nor told of.
 */
static __always_inline bool counted(__u32 error, __u8 sacked)
{
	if (!(sacked & RETRANS_TRIED))
		return false;
	return error != EBUSY && error != EHOSTUNREACH && error != ENOMEM && error != EAGAIN &&
	       error != EINVAL;
}

/* A positive result is a queueing discipline's: dropped (NET_XMIT_DROP). */
static __always_inline __u32 error_of(__u64 *context)
{
	int result;
	if (!knobs.retransmit_tells_error)
		return 0;
	result = context[2];
	return result > 0 ? ENOBUFS : -result;
}

/* Writes whose the socket is; false when that is not wanted. */
static __always_inline bool owned(struct apus_retransmit *record, struct apus_ledger_cell *cell,
				  struct sock *sk, struct apus_owner *owner)
{
	__u64 key = key_of_cgroup(cgroup_of_socket(sk));
	if (owner) {
		record->process = owner->process;
		record->origin = owner->origin;
	}
	if (knobs.self_pid && record->process.pid == knobs.self_pid) {
		FETCH_ADD(&cell->filtered_self);
		return false;
	}
	/* Of an accepted socket the kernel keeps the listener's, which may be an activator's. */
	if (key && !(owner && owner->origin == APUS_OWNER_ACCEPTED))
		record->process.cgroup_key = key;
	else if (!owner)
		record->process.cgroup_key = CGROUP_KEY_ROOT;
	if (wants_socket(sk, owner))
		return true;
	FETCH_ADD(&cell->filtered_scope);
	return false;
}

static __always_inline void observe_retransmit(struct apus_retransmit *record)
{
	struct apus_slot_key key = {.key = record->process.cgroup_key, .what = record->cause};
	__u32 slot;
	if (knobs.slot_by != APUS_SLOT_BY_ALL || !record->segments)
		return;
	slot = find_slot(&key, 0);
	if (record->srtt_us)
		observe(slot, record->srtt_us * 1000);
	observe_amount(slot, record->segments);
}

static __always_inline void describe_ends(struct apus_ends *ends, struct sock_common *common,
					  __u16 socket_family)
{
	write_addresses(ends, common, socket_family);
	ends->local_port = BPF_CORE_READ(common, skc_num);
	ends->remote_port = from_network(BPF_CORE_READ(common, skc_dport));
	ends->net_namespace = network_namespace(common);
}

/* The typed hooks may ask for it, and so make one (5.12); else there may be none yet. */
static __always_inline __u64 cookie_of(struct sock_common *common)
{
#ifdef APUS_COMPAT
	return READ(common, skc_cookie.counter);
#else
	return bpf_get_socket_cookie(common);
#endif
}

static __always_inline struct apus_owner *owner_of(struct sock *sk)
{
	__u64 key = (__u64)sk;
	return bpf_map_lookup_elem(&owners, &key);
}

static __always_inline void write_segment(struct apus_retransmit *record, struct tcp_sock *tcp,
					  struct sk_buff *skb)
{
	struct tcp_skb_cb *block = (void *)skb + bpf_core_field_offset(skb->cb);
	__u8 sacked = BPF_CORE_READ(block, sacked);
	record->cause = cause_of(tcp, BPF_CORE_READ(block, tcp_flags), sacked);
	record->sequence = BPF_CORE_READ(block, seq);
	record->srtt_us = READ(tcp, srtt_us) >> SRTT_SHIFT;
	if (record->error && !counted(record->error, sacked))
		return;
	record->segments = BPF_CORE_READ(block, tcp_gso_segs);
	record->length = READ(skb, len);
}

// Arguments: socket, segments, and from 6.17 the error.
HOOK("tcp_retransmit_skb")
int on_segments(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_RETRANSMIT);
	struct apus_retransmit record = {};
	struct tcp_sock *tcp;
	__u64 sequence;
	if (!cell)
		return 0;
	sequence = FETCH_ADD(&cell->produced) + 1;
	if (!owned(&record, cell, sk, owner_of(sk)))
		return 0;
	tcp = TCP_SOCK(sk);
	if (!tcp) { /* Cannot be: it has a connection to retransmit on. */
		FETCH_ADD(&cell->untracked);
		return 0;
	}
	head(&record.header, APUS_KIND_RETRANSMIT, sequence);
	describe_ends(&record.ends, &sk->__sk_common, READ(sk, __sk_common.skc_family));
	record.ends.cookie = cookie_of(&sk->__sk_common);
	record.state = READ(sk, __sk_common.skc_state);
	record.error = error_of(context);
	write_segment(&record, tcp, (void *)context[1]);
	observe_retransmit(&record);
	emit(context, cell, &record.header, sizeof(record));
	return 0;
}

/*
 * Arguments: listener, request. With Fast Open the former is the connection itself, which nobody
 * may have accepted yet, and the listener is the request's. The state of a request is one that no
 * tool knows (TCP_NEW_SYN_RECV), so it is called what it was before 4.1 gave it a number of its
 * own. The request's cookie becomes the connection's.
 */
HOOK("tcp_retransmit_synack")
int on_syn_ack(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	struct request_sock *request = (void *)context[1];
	struct tcp_request_sock *tcp = (void *)request;
	struct apus_ledger_cell *cell = ledger_of(APUS_KIND_RETRANSMIT);
	struct apus_retransmit record = {};
	struct apus_owner *owner;
	__u64 sequence;
	bool open, accepted;
	if (!cell)
		return 0;
	sequence = FETCH_ADD(&cell->produced) + 1;
	open = READ(sk, __sk_common.skc_state) != TCP_LISTEN;
	owner = owner_of(sk);
	accepted = open && owner;
	if (open && !owner)
		owner = owner_of(READ(request, __req_common.skc_listener));
	if (!owned(&record, cell, sk, owner))
		return 0;
	if (owner && !accepted)
		record.origin = APUS_OWNER_LISTENER;
	head(&record.header, APUS_KIND_RETRANSMIT, sequence);
	describe_ends(&record.ends, &request->__req_common, READ(sk, __sk_common.skc_family));
	record.ends.cookie = cookie_of(open ? &sk->__sk_common : &request->__req_common);
	record.state = open ? READ(sk, __sk_common.skc_state) : TCP_SYN_RECV;
	record.cause = APUS_RETRANSMIT_SYN_ACK;
	record.segments = 1;
	record.sequence = BPF_CORE_READ(tcp, snt_isn);
	observe_retransmit(&record);
	emit(context, cell, &record.header, sizeof(record));
	return 0;
}
