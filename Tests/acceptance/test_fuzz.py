# SPDX-License-Identifier: Apache-2.0
"""Requests of random form for the HTTP endpoint, for as long as APUS_FUZZ_SECONDS says."""
import os
import random
import socket
import time
import urllib.error

import pytest

from agent import Agent
from waiting import eventually

METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"get", b"", b"G" * 4096]
PATHS = [b"/", b"/metrics", b"/healthz", b"/readyz", b"//", b"/metrics?a=%41&b", b"/%", b"*",
         b"http://x/metrics", b"/" + b"a" * 9000, b"/\x00", b"/\xff"]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.", b"", b"HTTP/1.1 "]
HEADERS = [b"Host: x", b"Host:", b"Accept: */*", b"Accept-Encoding: gzip;q=0.5, br",
           b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=1.1,*/*;q=",
           b"Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
           b"encoding=delimited", b"Connection: close", b"Connection: keep-alive, upgrade",
           b"Authorization: Bearer x", b"Authorization: Bearer", b"Authorization: Basic eDp5",
           b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999999999",
           b"Transfer-Encoding: chunked", b"Expect: 100-continue", b" folded", b"nothing",
           b"X: " + b"y" * 5000, b"\x00: \x01"]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""]
BODIES = [b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"-1\r\n"]


def request(dice):
    """One to three requests on a connection, sometimes damaged byte by byte."""
    text = b""
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        line = b" ".join([dice.choice(METHODS[:3] * 9 + METHODS),
                          dice.choice(PATHS[:6] * 4 + PATHS),
                          dice.choice(VERSIONS[:1] * 9 + VERSIONS)])
        lines = [line] + [dice.choice(HEADERS) for _ in range(dice.choice([1, 2, 4, 200]))]
        text += b"".join(line + dice.choice(ENDS) for line in lines)
        text += b"\r\n" + dice.choice(BODIES)
    damaged = bytearray(text)
    for _ in range(dice.choice([0, 0, 1, 3, 12])):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    return bytes(damaged[:dice.choice([len(damaged)] * 4 + [dice.randrange(len(damaged) + 1)])])


def send(port, dice, number):
    with socket.socket() as client:
        client.settimeout(5)
        # One address may have few connections, so that it cannot have them all.
        client.bind((f"127.0.2.{number % 250 + 1}", 0))
        try:
            client.connect(("127.0.0.1", port))
            text = request(dice)
            cut = dice.randrange(len(text) + 1)
            client.sendall(text[:cut])
            client.sendall(text[cut:])
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 16):
                pass
        except OSError:
            pass


@pytest.mark.full
def test_requests_of_any_form_harm_nothing(tmp_path, figures):
    seed = int(os.environ.get("APUS_FUZZ_SEED") or random.randrange(1 << 40))
    dice = random.Random(seed)
    with Agent(tmp_path) as agent:
        before = len(os.listdir(f"/proc/{agent.pid}/fd"))
        end = time.monotonic() + int(os.environ.get("APUS_FUZZ_SECONDS") or 60)
        number = 0
        while time.monotonic() < end:
            send(agent.port, dice, number)
            number += 1
            assert agent.process.poll() is None, f"APUS_FUZZ_SEED={seed}: {agent.log}"

        def is_served():
            try:
                return agent.get("/metrics").status == 200
            except (urllib.error.URLError, OSError):
                return False
        eventually(is_served, 30, lambda: f"APUS_FUZZ_SEED={seed}: {agent.log}")
        eventually(lambda: len(os.listdir(f"/proc/{agent.pid}/fd")) <= before + 2, 60)
    figures(f"{number} connections, APUS_FUZZ_SEED={seed}")
