# SPDX-License-Identifier: Apache-2.0
"""Segments sent again: each cause provoked, so many times as is known.

The truth is TcpRetransSegs of network namespaces in which nobody else is, the rules' counters of
what was dropped or passed, and what TCP_INFO says of each socket. All loss is made by rules.
"""
import pytest

from namespaces import ADDRESSES, FAR, NEAR, ROUTER
from retransmits import COUNT, DATA, KINDS, Link, check_ends, segments
from waiting import eventually

SYN = "tcp flags & (syn | ack) == syn"
SYN_ACK = "tcp flags & (syn | ack) == (syn | ack)"


def test_what_nobody_acknowledges_is_probed_for_and_then_timed_out(network, watched):
    watched.start()
    link = Link(network, COUNT)
    network.drop(f"tcp dport {link.port}")
    link.send(100)
    eventually(lambda: len(watched.by_cookie(NEAR)) == COUNT and
               min(map(len, watched.by_cookie(NEAR).values())) >= 3, 20)
    network.heal()
    link.arrive()
    watched.check_sums()
    found = watched.by_cookie(NEAR)
    assert set(found) == {near["cookie"] for near in link.near_ends}
    assert network.extended(NEAR, "TCPLossProbes") == COUNT
    assert network.extended(NEAR, "TCPTimeouts") == len(watched.of(NEAR)) - COUNT
    for near in link.near_ends:
        first, *rest = found[near["cookie"]]
        assert first["apus.tcp.retransmit.cause"] == "tail_loss_probe"
        assert {event["apus.tcp.retransmit.cause"] for event in rest} == {"timeout"}
        assert {event["apus.tcp.retransmit.sequence"] for event in rest} == {
            first["apus.tcp.retransmit.sequence"]}
        for event in found[near["cookie"]]:
            check_ends(event, near, "ipv4", ADDRESSES[FAR][4], link.port)
            assert event["apus.tcp.retransmit.segments"] == 1
            assert event["apus.tcp.retransmit.bytes"] == 100


def test_a_packet_lost_before_others_is_sent_again_fast(network, watched):
    watched.start()
    link = Link(network)
    link.send(4 << 20)
    link.arrive()
    for number in range(COUNT):
        network.drop(f"tcp dport {link.port} {DATA} limit rate 1/day burst 1 packets")
        link.send(400_000)
        link.arrive()
        assert network.dropped() == 1
        network.heal()
    watched.check_sums()
    # A probe comes before the acknowledgements where those are late, on a busy machine.
    assert watched.causes(NEAR) - {"tail_loss_probe"} == {"fast"}
    fast = [event for event in watched.of(NEAR) if event["apus.tcp.retransmit.cause"] == "fast"]
    assert len(fast) >= COUNT * 0.9


def test_a_tail_that_is_lost_is_probed_for(network, watched):
    watched.start()
    # One loss on each connection: with the window that it leaves, the next burst is two packets.
    link = Link(network, COUNT)
    # Whole segments, or Nagle holds back the last, and the probe is that: new data.
    size = 4 * link.near.info(link.near_ends[0]["name"])["mss"]
    for near, far in zip(link.near_ends, link.far_ends):
        network.drop(f"tcp sport {near['port']} {DATA} limit rate 1/day burst 1 packets")
        link.far.receive(far["name"], size)
        link.near.send(near["name"], size)
        assert link.far.end(far["name"])["missing"] == 0
        link.near.end(near["name"])
        assert network.dropped() == 1
        network.heal()
    watched.check_sums()
    found = watched.by_cookie(NEAR)
    assert set(found) == {near["cookie"] for near in link.near_ends}
    assert network.extended(NEAR, "TCPLossProbes") == COUNT
    for first, *rest in found.values():
        # All of it was one packet. The probe is its last segment; what it brings to light follows.
        # A probe that is acknowledged faster than any segment before proves nothing (RACK), and
        # then the timer is waited for.
        assert first["apus.tcp.retransmit.cause"] == "tail_loss_probe"
        assert first["apus.tcp.retransmit.segments"] == 1
        assert {event["apus.tcp.retransmit.cause"] for event in rest} in ({"fast"}, {"timeout"})
        assert segments(rest) == 3


def test_each_syn_that_is_sent_again_is_one(network, watched):
    watched.start()
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][6])
    network.count(SYN)
    network.drop(SYN)
    ends = near.connect(ADDRESSES[FAR][6], listener["port"], COUNT)
    eventually(lambda: network.dropped() >= 2 * COUNT)
    network.heal()
    for end in ends:
        near.wait(end["name"])
    watched.check_sums()
    events = watched.of(NEAR)
    assert len(events) == network.counted() - COUNT >= COUNT
    by_port = {end["port"]: end for end in ends}
    assert {event["source.port"] for event in events} == set(by_port)
    for event in events:
        check_ends(event, by_port[event["source.port"]], "ipv6", ADDRESSES[FAR][6],
                   listener["port"])
        assert event["apus.tcp.retransmit.cause"] == "syn"
        assert event["apus.tcp.retransmit.segments"] == 1
        assert event["apus.tcp.retransmit.bytes"] == 0
        assert event["network.connection.state"] == "syn_sent"
        assert event["apus.socket.owner.origin"] == "connected"
        assert "apus.tcp.srtt" not in event.attributes


@pytest.mark.parametrize("kind", KINDS)
def test_each_syn_ack_that_is_sent_again_is_one_of_the_listeners(network, watched, kind):
    at, connect_to, network_type, address, mapped = KINDS[kind]
    watched.start()
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(at)
    worker = network.forked(far)
    network.count(SYN_ACK)
    network.drop(SYN_ACK)
    ends = near.connect(connect_to, listener["port"], COUNT)
    eventually(lambda: network.dropped() >= 2 * COUNT)
    network.heal()
    for end in ends:
        near.wait(end["name"])
    accepted = [worker.accept(listener["name"]) for _ in ends]
    watched.check_sums()
    assert watched.causes(NEAR) == {"syn"}
    events = watched.of(FAR)
    assert len(events) == network.counted() - COUNT >= COUNT
    assert {event["destination.port"] for event in events} == {end["port"] for end in ends}
    for event in events:
        assert event["apus.tcp.retransmit.cause"] == "syn_ack"
        assert event["apus.tcp.retransmit.segments"] == 1
        assert event["network.connection.state"] == "syn_received"
        assert event["process.pid"] == far.pid
        assert event["apus.socket.owner.origin"] == "listener"
        assert event["source.address"] == address
        assert event["source.port"] == listener["port"]
        assert event["network.type"] == network_type
        assert event.get("apus.socket.v4_mapped", False) == mapped
    if watched.hooks == "modern":
        assert {event["apus.socket.cookie"] for event in events} == {
            end["cookie"] for end in accepted}


def test_data_in_a_syn_that_is_not_taken_is_sent_again_for_no_loss(network, watched):
    # 4: without a cookie. The listener's side does not know Fast Open.
    network.run(NEAR, "sysctl", "-qw", "net.ipv4.tcp_fastopen=5")
    network.run(FAR, "sysctl", "-qw", "net.ipv4.tcp_fastopen=0")
    watched.start()
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    for number in range(COUNT):
        end = near.fast_open(ADDRESSES[FAR][4], listener["port"], 500)
        other = far.accept(listener["name"])
        far.receive(other["name"], 500)
        assert far.end(other["name"])["missing"] == 0
        near.close(end["name"])
        far.close(other["name"])
    watched.check_sums()
    events = watched.of(NEAR)
    assert len(events) == COUNT
    assert watched.causes(NEAR) == {"other"}
    assert {event["apus.tcp.retransmit.bytes"] for event in events} == {500}


def test_a_syn_ack_of_fast_open_is_one(network, watched):
    network.run(NEAR, "sysctl", "-qw", "net.ipv4.tcp_fastopen=5")
    # 2: listeners may; 0x200: without a cookie.
    network.run(FAR, "sysctl", "-qw", "net.ipv4.tcp_fastopen=514")
    watched.start()
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4], 0, 16)
    network.count(SYN_ACK)
    network.drop(SYN_ACK)
    near.fast_open(ADDRESSES[FAR][4], listener["port"], 500)
    # It can be accepted before its handshake is done.
    other = far.accept(listener["name"])
    eventually(lambda: network.dropped() >= 3)
    network.heal()
    eventually(lambda: far.info(other["name"])["state"] == 1)
    watched.check_sums()
    events = watched.of(FAR)
    assert watched.causes(FAR) == {"syn_ack"}
    assert len(events) == network.counted() - 1 >= 2
    for event in events:
        assert event["process.pid"] == far.pid
        assert event["apus.socket.owner.origin"] == "accepted"


def test_what_is_too_big_for_the_path_is_sent_again_for_no_loss(network, watched):
    watched.start()
    link = Link(network)
    network.ip(ROUTER, "link", "set", FAR, "mtu", "1300")
    link.send(40_000)
    link.arrive()
    watched.check_sums()
    assert watched.causes(NEAR) == {"other"}
    assert {event["apus.socket.cookie"] for event in watched.of(NEAR)} == {
        link.near_ends[0]["cookie"]}
