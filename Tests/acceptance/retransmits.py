# SPDX-License-Identifier: Apache-2.0
"""What the tests of retransmits share: the agent and what it tells of each namespace, the links."""
import json
import pathlib
import re
import subprocess
import time

from agent import Agent
from decoded import events_of
from missed import Missed
from namespaces import ADDRESSES, FAR, NEAR
from waiting import eventually, settled

COUNT = 23
NAME = "apus.tcp.retransmit"
DATA = "meta length > 90"


TRACING = pathlib.Path("/sys/kernel/tracing/instances")
STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
PROGRAMS = ("on_segments", "on_syn_ack")


class Witness:
    """The kernel's own tracer on the same tracepoints, which also says on top of which task.

    There are hosts that run no BPF on top of some tasks of theirs; what a softirq there sends again
    no program can see. It is the host, and not the agent, when seen and unseen differ by the task.
    """

    def __init__(self):
        self.path = TRACING / f"apus-{time.monotonic_ns()}"
        self.path.mkdir()
        (self.path / "trace_clock").write_text("boot")
        for name in ("tcp_retransmit_skb", "tcp_retransmit_synack"):
            (self.path / "events/tcp" / name / "enable").write_text("1")

    def lines(self):
        """(task, CLOCK_BOOTTIME in seconds, source port)"""
        found = re.findall(r"^ *(.+?) +\[\d+\] +\S+ +([\d.]+): .*? sport=(\d+)",
                           (self.path / "trace").read_text(), re.MULTILINE)
        return [(task, float(when), int(port)) for task, when, port in found]

    def blind(self, events):
        """The tasks on top of which no event was seen, though there were some; else nothing."""
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        times = {}
        for event in events:
            times.setdefault(event["source.port"], []).append(
                event.record.time_unix_nano / 1e9 - booted)
        seen, unseen = set(), set()
        for task, when, port in self.lines():
            # The two take their times one after the other, and may be interrupted between.
            apart = min((abs(when - other) for other in times.get(port, ())), default=1)
            if apart < 0.0005:
                seen.add(task)
            elif apart > 0.01:
                unseen.add(task)
        return unseen if seen and not seen & unseen else set()

    def close(self):
        self.path.rmdir()


def program_runs():
    """{id: how often it was run}, by the kernel's statistics, of programs with our names."""
    output = subprocess.run(["bpftool", "--json", "prog", "list"], capture_output=True, text=True,
                            check=True).stdout
    return {row["id"]: row.get("run_cnt", 0) for row in json.loads(output)
            if row.get("name") in PROGRAMS}


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
        self.witness = Witness()
        self.statistics = STATISTICS.read_text()
        STATISTICS.write_text("1")
        self.others = set(program_runs())

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
            self.fail_when_blind(place, truth)
            eventually(lambda: segments(self.of(place)) >= truth, 10,
                       lambda: f"{segments(self.of(place))} of {truth} segments, failed "
                               f"{[event.attributes for event in failures(self)]}; missed runs "
                               f"{self.agent.samples('apus_agent_programs_missed_total')}; "
                               f"{self.agent.log[-2000:]}")
            assert segments(self.of(place)) == truth == self.network.retransmitted(place)
            # The kernel counts one of the causes by itself, where it succeeds.
            fast = [event for event in self.of(place) if "error.type" not in event.attributes
                    and event["apus.tcp.retransmit.cause"] == "fast"]
            assert segments(fast) == self.network.extended(place, "TCPFastRetrans")
        eventually(lambda: self.agent.ledger(NAME).rest == 0, 10,
                   lambda: str(self.agent.ledger(NAME)))

    def fail_when_blind(self, place, truth):
        deadline = time.monotonic() + 2
        while segments(self.of(place)) < truth:
            if time.monotonic() > deadline:
                blind = self.witness.blind(self.of(NEAR) + self.of(FAR))
                if blind:
                    raise Missed(f"{segments(self.of(place))} of {truth} segments; none of those "
                                 f"on top of {blind}")
                if self.were_not_run():
                    raise Missed(f"{segments(self.of(place))} of {truth} segments; the programs "
                                 "told of each time that they were run")
                return
            time.sleep(0.05)

    def were_not_run(self):
        """Whether the kernel ran the programs less often than it came by the tracepoints, and each
        run was counted: then no program is to blame."""
        runs = sum(count for number, count in program_runs().items() if number not in self.others)
        produced = self.agent.ledger(NAME).produced
        return runs == produced < len(self.witness.lines())

    def close(self):
        self.witness.close()
        STATISTICS.write_text(self.statistics)
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
