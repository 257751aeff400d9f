# SPDX-License-Identifier: Apache-2.0
"""Connects of a known way and outcome, by Tests/workloads/connects.c, and the agent's account."""
import dataclasses
import json
import subprocess
import time

from agent import Agent
from decoded import NewEvents
from missed import Missed
from receiver import Receiver
from waiting import eventually
from workloads import BUILT, EMPTY

COUNT = 23
NAME = "apus.tcp.connect"
FAMILIES = ("v4", "v6", "mapped")
PLAIN = ("blocking", "nonblocking", "io_uring")
FAST_OPEN = ("fastopen", "fastopen_nonblocking", "fastopen_connect")
# A signal, or another thread's shutdown, needs a call that blocks.
BLOCKS = ("blocking", "fastopen", "fastopen_connect")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What an event says; `ways` in which the outcome can be had."""

    outcome: str
    error: str | None
    ways: tuple = PLAIN + FAST_OPEN
    interrupted: bool = False


OUTCOMES = {
    "established": Outcome("established", None),
    "refused": Outcome("refused", "ECONNREFUSED"),
    "timed_out": Outcome("timed_out", "ETIMEDOUT"),
    "no_net": Outcome("unreachable", "ENETUNREACH"),
    "no_host": Outcome("unreachable", "EHOSTUNREACH"),
    "no_net_icmp": Outcome("unreachable", "ENETUNREACH"),
    "no_host_icmp": Outcome("unreachable", "EHOSTUNREACH"),
    "reset": Outcome("reset", "ECONNRESET"),
    "denied": Outcome("denied", "EPERM"),
    "prohibited": Outcome("denied", "EACCES"),
    "no_address": Outcome("failed", "EADDRNOTAVAIL"),
    "interrupted": Outcome("interrupted", "EINTR", BLOCKS),
    "resumed": Outcome("established", None, BLOCKS, interrupted=True),
    "restarted": Outcome("established", None, BLOCKS),
    "abandoned": Outcome("abandoned", None),
    "unspecified": Outcome("abandoned", None),
    "shut": Outcome("reset", "ECONNRESET", BLOCKS),
}
CASES = [(way, name) for name, outcome in OUTCOMES.items() for way in outcome.ways]


class Connects:
    """One run of the workload."""

    def __init__(self, way, outcome, family):
        self.way, self.family = way, family
        self.process = subprocess.Popen(
            [BUILT / "connects", way, outcome, family, str(COUNT)], env=EMPTY,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def truth(self):
        lines = [self.process.stdout.readline() for _ in range(COUNT)]
        assert lines[-1], f"the workload ended with {self.process.wait(10)}"
        return [json.loads(line) for line in lines]

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


class Watched:
    """An agent that tells connects, and its receiver."""

    def __init__(self, directory, hooks="auto"):
        self.receiver = Receiver()
        self.agent = Agent(directory, {
            "hooks": hooks, "exec.enabled": False, "runqlat.enabled": False,
            "biolatency.enabled": False, "tcpretrans.enabled": False,
            "export.endpoint": self.receiver.http_endpoint,
            "export.schedule_delay": "50ms", "buffers.wake_latency": "10ms"})

        self._new, self._all = NewEvents(self.receiver), []

    def all(self):
        """Every event so far."""
        self._all.extend(self._new.take(NAME))
        return self._all

    def of(self, cookies):
        return [event for event in self.all() if event.get("apus.socket.cookie") in cookies]

    def events(self, truth, each=1):
        """{cookie: event} when each socket has one, or [events] when it has to have several."""
        cookies = {row["cookie"] for row in truth}
        assert len(cookies) == len(truth) and 0 not in cookies
        eventually(lambda: len(self.of(cookies)) >= each * len(cookies), 10,
                   lambda: f"{len(self.of(cookies))} events of {len(cookies)} sockets; "
                           f"{self.agent.log[-2000:]}")
        # What would come too often comes within a batch of the rest.
        time.sleep(0.2)
        found = {}
        for event in self.of(cookies):
            found.setdefault(event["apus.socket.cookie"], []).append(event)
        assert {len(events) for events in found.values()} == {each}
        return {cookie: events[0] for cookie, events in found.items()} if each == 1 else found

    def of_caller(self, pid):
        return [event for event in self.all() if event.get("process.pid") == pid]

    def close(self):
        self.agent.stop()
        self.receiver.close()
        assert self.receiver.errors == []


def check_ends(event, row, family):
    assert event["network.transport"] == "tcp"
    assert event["network.type"] == ("ipv6" if family == "v6" else "ipv4")
    assert event.get("apus.socket.v4_mapped", False) == (family == "mapped")
    assert event["destination.address"] == row["destination"]
    assert event["destination.port"] == row["destination_port"]
    assert event.get("source.port", 0) == row["source_port"]
    if row["source"]:
        assert event["source.address"] == row["source"]
    assert event["apus.network.namespace"] == row["net_namespace"]


def check(event, row, connects, outcome):
    check_ends(event, row, connects.family)
    assert event["apus.tcp.connect.outcome"] == outcome.outcome
    assert event.get("error.type") == outcome.error
    assert event["process.pid"] == row["pid"]
    # A ring's worker is a thread of the kernel's making.
    if connects.way != "io_uring":
        assert event["apus.process.thread_id"] == row["tid"]
    assert event.get("apus.tcp.connect.io_uring", False) == (connects.way == "io_uring")
    assert event.get("apus.tcp.connect.fast_open", False) == (connects.way in FAST_OPEN)
    assert event.get("apus.tcp.connect.interrupted", False) == outcome.interrupted
    assert event.get("apus.tcp.connect.before_agent", False) is False


def check_duration(event, row):
    duration_ns = event["apus.tcp.connect.duration"] * 1e9
    # A poller is told of the error some microseconds before the state is CLOSE, which is our end.
    most_ns = row["most_ns"] + 1_000_000
    assert row["least_ns"] - 1 <= duration_ns, f"{duration_ns} of {row}"
    # Without the state change, which comes in a softirq, the next hook that sees the socket is the
    # end.
    if duration_ns > most_ns:
        raise Missed(f"{duration_ns} of {row}")
