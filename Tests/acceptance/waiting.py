# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition with a deadline, never for a time; and free ports."""
import socket
import time


def eventually(condition, seconds=10, explain=lambda: ""):
    """The first true value of `condition`; fails with `explain` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {explain()}"
        time.sleep(0.02)


def settled(read, quiet=1.0, seconds=30):
    """The value of `read` once it has not changed for `quiet` seconds."""
    deadline = time.monotonic() + seconds
    value, since = read(), time.monotonic()
    while time.monotonic() - since < quiet:
        assert time.monotonic() < deadline, f"still changing after {seconds} s: {value}"
        time.sleep(0.05)
        now = read()
        if now != value:
            value, since = now, time.monotonic()
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    with socket.socket() as client:
        client.settimeout(0.2)
        return client.connect_ex(("127.0.0.1", port)) == 0
