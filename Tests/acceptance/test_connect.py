# SPDX-License-Identifier: Apache-2.0
"""Twenty-three connects of each way, outcome and family are twenty-three events, right in each
field, and no socket ever has an event too many.

The truth is what Tests/workloads/connects.c saw: errnos and bounds of time on this side, source
ports on the wire. It makes the outcomes in a network namespace of its own.
"""
import errno
import os
import socket

import pytest

from connects import CASES, COUNT, FAMILIES, OUTCOMES, Connects, Watched, check, check_duration

SO_COOKIE = 57


@pytest.fixture(scope="module", params=["auto", "compatible"])
def watched(request, tmp_path_factory):
    made = Watched(tmp_path_factory.mktemp("connect"), request.param)
    yield made
    made.close()


@pytest.mark.parametrize("way,name", CASES, ids=lambda value: value)
def test_each_connect_is_one_event_with_its_outcome(watched, way, name):
    outcome = OUTCOMES[name]
    runs = [Connects(way, name, family) for family in FAMILIES]
    truths = [run.truth() for run in runs]
    for run in runs:
        run.end()
    events = watched.events(sum(truths, []))
    for run, truth in zip(runs, truths):
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


def test_a_send_meanwhile_is_not_the_connect_s_result(watched):
    """It says EAGAIN of a socket that still connects, here to a queue that is full."""
    truth = []
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        with socket.create_connection(busy.getsockname()), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(busy.getsockname())
            for _ in range(COUNT):
                with socket.socket() as connecting:
                    connecting.setblocking(False)
                    assert connecting.connect_ex(busy.getsockname()) == errno.EINPROGRESS
                    try:
                        connecting.send(b"early")
                        raise AssertionError("it was sent")
                    except BlockingIOError:
                        truth.append({"cookie": cookie_of(connecting)})
    for event in watched.events(truth).values():
        assert event["apus.tcp.connect.outcome"] == "abandoned"
        assert "error.type" not in event.attributes


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
