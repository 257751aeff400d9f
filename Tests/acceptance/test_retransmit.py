# SPDX-License-Identifier: Apache-2.0
"""Segments sent again: as many as the kernel says, each with its cause and its socket's owner.

The truth is TcpRetransSegs of network namespaces in which nobody else is, the rules' counters of
what was dropped or passed, and what TCP_INFO says of each socket. All loss is made by rules.
"""
import pathlib

import pytest

from agent import Agent
from decoded import events_of
from namespaces import ADDRESSES, FAR, NEAR, Network
from waiting import eventually, settled

COUNT = 23
NAME = "apus.tcp.retransmit"
SYN = "tcp flags & (syn | ack) == syn"
SYN_ACK = "tcp flags & (syn | ack) == (syn | ack)"
DATA = "meta length > 90"
FORMAT = pathlib.Path("/sys/kernel/tracing/events/tcp/tcp_retransmit_skb/format")


class Watched:
    """An agent, started when the test says so, and what its receiver has heard."""

    def __init__(self, directory, receiver, network, hooks):
        self.receiver = receiver
        self.network = network
        self.hooks = hooks
        self.settings = {"tcpretrans.enabled": True, "hooks": hooks,
                         "export.endpoint": receiver.http_endpoint,
                         "export.schedule_delay": "50ms", "buffers.wake_latency": "10ms"}
        self.directory = directory
        self.agent = None

    def start(self):
        # All that is sent again from now on is told of, and nothing was before.
        assert self.network.retransmitted(NEAR) == self.network.retransmitted(FAR) == 0
        self.agent = Agent(self.directory, self.settings)
        return self

    def of(self, place):
        """The events of a namespace, in the order of their times."""
        inode = self.network.inode(place)
        found = [event for event in events_of(self.receiver.messages("logs"), NAME)
                 if event["apus.network.namespace"] == inode]
        return sorted(found, key=lambda event: event.record.time_unix_nano)

    def by_cookie(self, place):
        found = {}
        for event in self.of(place):
            found.setdefault(event["apus.socket.cookie"], []).append(event)
        return found

    def causes(self, place):
        return {event["apus.tcp.retransmit.cause"] for event in self.of(place)}

    def check_sums(self):
        """At a quiet moment: the segments of each namespace are those that the kernel counts."""
        for place in (NEAR, FAR):
            truth = settled(lambda: self.network.retransmitted(place), 0.5)
            eventually(lambda: segments(self.of(place)) >= truth, 10,
                       lambda: f"{segments(self.of(place))} of {truth} segments, failed "
                               f"{[event.attributes for event in failures(self)]}; "
                               f"{self.agent.log[-2000:]}")
            assert segments(self.of(place)) == truth == self.network.retransmitted(place)
        eventually(lambda: self.agent.ledger(NAME).rest == 0, 10,
                   lambda: str(self.agent.ledger(NAME)))

    def close(self):
        if self.agent:
            self.agent.stop()


def segments(events):
    return sum(event["apus.tcp.retransmit.segments"] for event in events)


def size_of(events):
    return sum(event["apus.tcp.retransmit.bytes"] for event in events)


@pytest.fixture
def network():
    made = Network()
    yield made
    made.close()


@pytest.fixture(params=["modern", "compatible"])
def watched(request, tmp_path, receiver, network):
    made = Watched(tmp_path, receiver, network, request.param)
    yield made
    made.close()


class Link:
    """Connections from a peer near to a peer far."""

    def __init__(self, network, count=1, address=ADDRESSES[FAR][4], at="::"):
        self.near, self.far = network.peer(NEAR), network.peer(FAR)
        self.listener = self.far.listen(at)
        self.address = address
        self.near_ends = self.near.connect(address, self.listener["port"], count)
        for end in self.near_ends:
            self.near.wait(end["name"])
        self.far_ends = [self.far.accept(self.listener["name"]) for _ in range(count)]
        self.far_ends = self._in_order(self.far_ends)

    def _in_order(self, ends):
        by_port = {self.far.info(end["name"])["remote_port"]: end for end in ends}
        return [by_port[end["port"]] for end in self.near_ends]

    @property
    def port(self):
        return self.listener["port"]

    def send(self, size):
        """Begins to send on each connection."""
        for near, far in zip(self.near_ends, self.far_ends):
            self.far.receive(far["name"], size)
            self.near.send(near["name"], size)

    def arrive(self):
        for near, far in zip(self.near_ends, self.far_ends):
            self.near.end(near["name"])
            assert self.far.end(far["name"])["missing"] == 0


def check_ends(event, near, network_type, address, port, mapped=False):
    """That it is an event of the near end `near`."""
    version = 6 if network_type == "ipv6" else 4
    assert event["source.address"] == ADDRESSES[NEAR][version]
    assert event["source.port"] == near["port"]
    assert event["destination.address"] == address
    assert event["destination.port"] == port
    assert event["network.type"] == network_type
    assert event["network.transport"] == "tcp"
    assert event.get("apus.socket.v4_mapped", False) == mapped
    assert event["process.pid"] == near["pid"]


KINDS = {
    "ipv4": ("10.77.2.2", "10.77.2.2", "ipv4", "10.77.2.2", False),
    "ipv6": ("fd77:2::2", "fd77:2::2", "ipv6", "fd77:2::2", False),
    "mapped": ("::", "::ffff:10.77.2.2", "ipv4", "10.77.2.2", True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_sum_is_what_the_kernel_counts_of_a_lossy_bulk_transfer(
        network, watched, kind, figures):
    at, connect_to, network_type, address, mapped = KINDS[kind]
    assert {"generic-segmentation-offload", "tcp-segmentation-offload"} <= network.offloads(NEAR)
    watched.start()
    link = Link(network, 1, connect_to, at)
    [near] = link.near_ends
    network.slow()
    link.send(64 << 20)

    def in_flight():
        info = link.near.info(near["name"])
        return info["unacked"] * info["mss"]

    eventually(lambda: in_flight() >= 1 << 20)
    network.drop(f"tcp dport {link.port} {DATA} numgen inc mod 20 == 0")
    eventually(lambda: network.dropped() >= 10)
    network.heal()
    link.arrive()
    watched.check_sums()
    events = watched.of(NEAR)
    truth = link.near.info(near["name"])
    figures(f"{watched.hooks}: {len(events)} events of {segments(events)} segments")
    assert segments(events) == truth["total_retrans"] > 10
    assert size_of(events) == truth["bytes_retrans"]
    assert max(event["apus.tcp.retransmit.segments"] for event in events) > 1
    for event in events:
        check_ends(event, near, network_type, address, link.port, mapped)
        assert event["apus.socket.owner.origin"] == "connected"
        assert event["network.connection.state"] == "established"
        assert 0 < event["apus.tcp.srtt"] < 10
        assert "error.type" not in event.attributes
        if watched.hooks == "modern":
            assert event["apus.socket.cookie"] == truth["cookie"]


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
    assert watched.causes(NEAR) == {"fast"}
    assert len(watched.of(NEAR)) >= COUNT


def test_a_tail_that_is_lost_is_probed_for(network, watched):
    watched.start()
    link = Link(network)
    # Whole segments, or Nagle holds back the last, and the probe is that: new data.
    size = 4 * link.near.info(link.near_ends[0]["name"])["mss"]
    for number in range(COUNT):
        network.drop(f"tcp dport {link.port} {DATA} limit rate 1/day burst 1 packets")
        link.send(size)
        link.arrive()
        assert network.dropped() == 1
        network.heal()
    watched.check_sums()
    causes = [event["apus.tcp.retransmit.cause"] for event in watched.of(NEAR)]
    # All of it was one packet. The probe is its last segment; what it brings to light follows.
    assert causes.count("tail_loss_probe") == COUNT
    assert set(causes) == {"tail_loss_probe", "fast"}
    for event in watched.of(NEAR):
        if event["apus.tcp.retransmit.cause"] == "tail_loss_probe":
            assert event["apus.tcp.retransmit.segments"] == 1


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


def needs_errors():
    if " err;" not in FORMAT.read_text():
        pytest.skip("before Linux 6.17 the tracepoint does not tell of what could not be sent")


def stuck(network, watched):
    """A connection whose data is lost and has been sent again at least once."""
    link = Link(network)
    network.drop(f"tcp dport {link.port}")
    link.send(100)
    eventually(lambda: watched.of(NEAR))
    return link


def failures(watched):
    return [event for event in watched.of(NEAR) if "error.type" in event.attributes]


def test_what_a_rule_of_the_host_refuses_is_counted_and_says_its_error(network, watched):
    needs_errors()
    watched.start()
    link = stuck(network, watched)
    network.drop(f"tcp dport {link.port}", NEAR)
    eventually(lambda: len(failures(watched)) >= 2)
    network.heal(NEAR)
    network.heal()
    link.arrive()
    watched.check_sums()
    assert len(failures(watched)) == network_failures(network)
    for event in failures(watched):
        assert event["error.type"] == "EPERM"
        assert event["apus.tcp.retransmit.segments"] == 1
        check_ends(event, link.near_ends[0], "ipv4", ADDRESSES[FAR][4], link.port)


def network_failures(network):
    """TCPRetransFail: the kernel's own count of segments that could not be sent again."""
    lines = network.run(NEAR, "cat", "/proc/net/netstat").splitlines()
    names, values = [line.split() for line in lines if line.startswith("TcpExt:")]
    return int(values[names.index("TCPRetransFail")])


def test_what_has_no_way_is_told_of_but_was_not_sent(network, watched):
    needs_errors()
    watched.start()
    link = stuck(network, watched)
    network.ip(NEAR, "route", "add", "unreachable", "10.77.2.0/24")
    eventually(lambda: len(failures(watched)) >= 2)
    network.ip(NEAR, "route", "del", "unreachable", "10.77.2.0/24")
    network.heal()
    link.arrive()
    watched.check_sums()
    for event in failures(watched):
        assert event["error.type"] == "EHOSTUNREACH"
        assert event["apus.tcp.retransmit.segments"] == 0
        assert event["apus.tcp.retransmit.bytes"] == 0


def test_connections_older_than_the_agent_have_owners(network, watched):
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    worker = network.forked(far)
    ends = near.connect(ADDRESSES[FAR][4], listener["port"], COUNT)
    accepted = [worker.accept(listener["name"]) for _ in ends]
    watched.start()
    check_owners(network, watched, near, ends, worker, accepted, ("primed", "primed"))


def test_an_accepted_connection_is_of_the_process_that_accepted_it(network, watched):
    watched.start()
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    worker = network.forked(far)
    ends = near.connect(ADDRESSES[FAR][4], listener["port"], COUNT)
    accepted = [worker.accept(listener["name"]) for _ in ends]
    check_owners(network, watched, near, ends, worker, accepted, ("connected", "accepted"))


def test_a_connection_that_was_passed_on_stays_its_openers(network, watched):
    watched.start()
    near, other, far = network.peer(NEAR), network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    ends = near.connect(ADDRESSES[FAR][4], listener["port"], COUNT)
    accepted = [far.accept(listener["name"]) for _ in ends]
    passed = [near.pass_to(other, end["name"]) for end in ends]
    check_owners(network, watched, near, passed, far, accepted, ("connected", "accepted"),
                 sender=other)


def check_owners(network, watched, near, ends, far, accepted, origins, sender=None):
    """Both sides lose what they send; each event is its socket's owner's."""
    sender = sender or near
    network.drop(DATA)
    for end in ends:
        sender.send(end["name"], 100)
    for end in accepted:
        far.send(end["name"], 100)
    for place in (NEAR, FAR):
        eventually(lambda: len(watched.by_cookie(place)) == COUNT, 20)
    network.heal()
    for end, other in zip(ends, accepted):
        sender.end(end["name"])
        far.end(other["name"])
    watched.check_sums()
    for place, peer, origin, own in ((NEAR, near, origins[0], ends),
                                     (FAR, far, origins[1], accepted)):
        assert set(watched.by_cookie(place)) == {end["cookie"] for end in own}
        for event in watched.of(place):
            assert event["process.pid"] == peer.pid
            assert event["apus.socket.owner.origin"] == origin
