# SPDX-License-Identifier: Apache-2.0
"""What the tests of retransmits share: the agent and what it tells of each namespace, the links."""
from agent import Agent
from decoded import events_of
from namespaces import ADDRESSES, FAR, NEAR
from waiting import eventually, settled

COUNT = 23
NAME = "apus.tcp.retransmit"
DATA = "meta length > 90"


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
            # The kernel counts one of the causes by itself, where it succeeds.
            fast = [event for event in self.of(place) if "error.type" not in event.attributes
                    and event["apus.tcp.retransmit.cause"] == "fast"]
            assert segments(fast) == self.network.extended(place, "TCPFastRetrans")
        eventually(lambda: self.agent.ledger(NAME).rest == 0, 10,
                   lambda: str(self.agent.ledger(NAME)))

    def close(self):
        if self.agent:
            self.agent.stop()


def segments(events):
    return sum(event["apus.tcp.retransmit.segments"] for event in events)


def size_of(events):
    return sum(event["apus.tcp.retransmit.bytes"] for event in events)


class Link:
    """Connections from a peer near to a peer far."""

    def __init__(self, network, count=1, address=ADDRESSES[FAR][4], at="::", near_options=None):
        self.near, self.far = network.peer(NEAR, **(near_options or {})), network.peer(FAR)
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


def failures(watched):
    return [event for event in watched.of(NEAR) if "error.type" in event.attributes]


KINDS = {
    "ipv4": ("10.77.2.2", "10.77.2.2", "ipv4", "10.77.2.2", False),
    "ipv6": ("fd77:2::2", "fd77:2::2", "ipv6", "fd77:2::2", False),
    "mapped": ("::", "::ffff:10.77.2.2", "ipv4", "10.77.2.2", True),
}


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
