# SPDX-License-Identifier: Apache-2.0
"""Readers of /metrics that do not read, of a page that no socket buffer holds."""
import contextlib
import http.client
import socket
import subprocess
import time

import pytest

from agent import Agent
from waiting import eventually
from workloads import Cgroup

# No histogram of a cgroup is smaller than this as text with eight buckets for each power of two.
HISTOGRAM_BYTES = 30_000
CGROUPS = 12
# What a connection may be without a byte, and what it takes to look.
IDLE_SECONDS = 10


@pytest.fixture
def crowded(tmp_path):
    """An agent whose page is larger than what a connection to a small reader takes in."""
    cgroups = [Cgroup() for _ in range(CGROUPS)]
    try:
        with Agent(tmp_path, {"prometheus.buckets_per_power": 8}) as agent:
            def is_large():
                for cgroup in cgroups:
                    subprocess.run(["/bin/true"], preexec_fn=cgroup.join, check=True)
                return len(agent.metrics_text()) > CGROUPS * HISTOGRAM_BYTES

            eventually(is_large, 20)
            yield agent
    finally:
        for cgroup in cgroups:
            cgroup.remove()


def dial(port, address, is_narrow=False):
    dialled = socket.socket()
    if is_narrow:
        # As over a wire: with loopback's segments of 64 KiB the server's socket would take 2.5 MiB
        # for ten of them before anything is read.
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    dialled.settimeout(5)
    dialled.bind((address, 0))
    dialled.connect(("127.0.0.1", port))
    dialled.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    return dialled


def answer(dialled):
    """The status and whether the whole body came; what was sent, when not."""
    reply = http.client.HTTPResponse(dialled)
    reply.begin()
    try:
        body = reply.read()
    except http.client.IncompleteRead as cut:
        return reply, len(cut.partial), False
    except ConnectionResetError:
        return reply, 0, False
    return reply, body, True


def scrape(port, address):
    with dial(port, address) as dialled:
        return answer(dialled)


def test_slow_readers_of_one_address_are_cut_off_and_another_address_is_served(crowded, figures):
    port = crowded.port
    with contextlib.ExitStack() as stack:
        began = time.monotonic()
        readers = [stack.enter_context(dial(port, "127.0.0.2", is_narrow=True)) for _ in range(2)]
        # The third of this address; the head of the answers before has come, so they were made.
        for reader in readers:
            assert reader.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        for _ in range(3):
            reply, body, _ = scrape(port, "127.0.0.2")
            assert reply.status == 503 and reply.headers["Retry-After"] == "1"
            assert body == b"this address has its share of scrapes on their way already\n"
        for _ in range(3):
            reply, body, whole = scrape(port, "127.0.0.1")
            assert reply.status == 200 and whole
        page = len(body)
        # Others are still served; the page of those who do not read is given up.
        eventually(lambda: scrape(port, "127.0.0.2")[0].status == 200, 2 * IDLE_SECONDS)
        seconds = time.monotonic() - began
        assert scrape(port, "127.0.0.1")[0].status == 200
        cut = [answer(reader) for reader in readers]
        assert not any(whole for _, _, whole in cut)
        figures(f"page of {page >> 10} KiB; readers cut off within {seconds:.1f} s, after "
                f"{[count >> 10 for _, count, _ in cut]} KiB")
        assert IDLE_SECONDS - 2 < seconds < IDLE_SECONDS + 5
