# SPDX-License-Identifier: Apache-2.0
"""Twenty-three connects of each way, outcome and family are twenty-three events, right in each
field, and no socket ever has an event too many.

The truth is what Tests/workloads/connects.c saw: errnos and bounds of time on this side, source
ports on the wire. It makes the outcomes in a network namespace of its own.
"""
import dataclasses
import json
import os
import socket
import subprocess
import time

import pytest

from agent import Agent
from decoded import events_of
from receiver import Receiver
from waiting import eventually
from workloads import BUILT, EMPTY

COUNT = 23
NAME = "apus.tcp.connect"
SO_COOKIE = 57
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
            "hooks": hooks, "tcpconnect.enabled": True,
            "export.endpoint": self.receiver.http_endpoint,
            "export.schedule_delay": "50ms", "buffers.wake_latency": "10ms"})

    def of(self, cookies):
        return [event for event in events_of(self.receiver.messages("logs"), NAME)
                if event.get("apus.socket.cookie") in cookies]

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
        return [event for event in events_of(self.receiver.messages("logs"), NAME)
                if event.get("process.pid") == pid]

    def close(self):
        self.agent.stop()
        self.receiver.close()
        assert self.receiver.errors == []


@pytest.fixture(scope="module", params=["auto", "compatible"])
def watched(request, tmp_path_factory):
    made = Watched(tmp_path_factory.mktemp("connect"), request.param)
    yield made
    made.close()


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
    assert row["least_ns"] - 1 <= duration_ns <= row["most_ns"] + 1


@pytest.mark.parametrize("way,name", CASES, ids=lambda value: value)
def test_each_connect_is_one_event_with_its_outcome(watched, way, name):
    outcome = OUTCOMES[name]
    runs = [Connects(way, name, family) for family in FAMILIES]
    truths = [run.truth() for run in runs]
    for run, truth in zip(runs, truths):
        run.end()
        events = watched.events(truth)
        assert len(watched.of_caller(run.process.pid)) == COUNT
        for row in truth:
            event = events[row["cookie"]]
            check(event, row, run, outcome)
            check_duration(event, row)


def cookie_of(connecting):
    return int.from_bytes(connecting.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), "little")


def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def test_a_second_connect_of_the_same_socket_is_an_event_of_its_own(watched):
    to = ("127.0.0.1", closed_port())
    truth = []
    for _ in range(COUNT):
        with socket.socket() as connecting:
            assert connecting.connect_ex(to) and connecting.connect_ex(to)
            truth.append({"cookie": cookie_of(connecting)})
    for events in watched.events(truth, each=2).values():
        for event in events:
            assert event["apus.tcp.connect.outcome"] == "refused"
            assert event["process.pid"] == os.getpid()


def test_a_failure_that_a_second_call_reports_is_no_second_event(watched):
    to = ("127.0.0.1", closed_port())
    truth = []
    for _ in range(COUNT):
        with socket.socket() as connecting:
            connecting.setblocking(False)
            errors = [connecting.connect_ex(to), connecting.connect_ex(to)]
            assert [os.strerror(error) for error in errors] == [
                "Operation now in progress", "Connection refused"]
            truth.append({"cookie": cookie_of(connecting)})
    for event in watched.events(truth).values():
        assert event["error.type"] == "ECONNREFUSED"


def test_what_is_no_tcp_connect_is_no_event(watched):
    before = len(watched.of_caller(os.getpid()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.connect(("127.0.0.1", 9))
    with socket.socket() as listening, socket.socket() as connecting:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        # Neither does a listening socket connect, nor one that is connected.
        assert listening.connect_ex(("127.0.0.1", 9)) != 0
        connecting.connect(listening.getsockname())
        assert connecting.connect_ex(listening.getsockname()) != 0
        truth = [{"cookie": cookie_of(connecting)}]
        watched.events(truth)
    assert len(watched.of_caller(os.getpid())) == before + 1


@pytest.mark.parametrize("hooks", ["auto", "compatible"])
@pytest.mark.parametrize("way", PLAIN + ("fastopen",))
def test_what_is_under_way_when_the_agent_stops_is_told_as_pending(tmp_path, way, hooks):
    watched = Watched(tmp_path, hooks)
    runs = [Connects(way, "pending", family) for family in FAMILIES]
    truths = [run.truth() for run in runs]
    watched.close()
    for run, truth in zip(runs, truths):
        run.end()
        events = watched.events(truth)
        for row in truth:
            event = events[row["cookie"]]
            check(event, row, run, Outcome("pending", None))
            assert event["apus.tcp.connect.duration"] * 1e9 >= row["least_ns"]


@pytest.mark.parametrize("hooks", ["auto", "compatible"])
def test_what_was_under_way_before_the_agent_has_the_socket_s_owner_and_no_duration(
        tmp_path, hooks):
    runs = [Connects("nonblocking", "pending", family) for family in FAMILIES]
    truths = [run.truth() for run in runs]
    watched = Watched(tmp_path, hooks)
    for run, truth in zip(runs, truths):
        run.end()
        events = watched.events(truth)
        for row in truth:
            event = events[row["cookie"]]
            check_ends(event, row, run.family)
            assert event["apus.tcp.connect.outcome"] == "abandoned"
            assert event["apus.tcp.connect.before_agent"] is True
            assert event["process.pid"] == row["pid"]
            assert "apus.tcp.connect.duration" not in event.attributes
    watched.close()
