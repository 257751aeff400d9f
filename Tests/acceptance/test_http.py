# SPDX-License-Identifier: Apache-2.0
"""The HTTP endpoint behind TLS and a token, and among clients that mean no good."""
import http.client
import os
import pathlib
import random
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from agent import SANITIZED, Agent, run
from waiting import eventually

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Authority:
    """A certificate authority and what it signed, as PEM files."""

    def __init__(self, directory):
        self.directory = directory
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
                     "-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True,
                       capture_output=True)

    def sign(self, name):
        """NAME.crt and NAME.key for 127.0.0.1."""
        extensions = self.directory / "san"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-out", f"{name}.crt", "-extfile", "san")

    def install(self, name, *suffixes):
        for suffix in suffixes:
            new = self.directory / f"new.{suffix}"
            new.write_bytes((self.directory / f"{name}.{suffix}").read_bytes())
            new.rename(self.directory / f"server.{suffix}")

    def context(self):
        return ssl.create_default_context(cafile=self.directory / "ca.crt")


def ask(port, context, path="/metrics", **headers):
    """Status, headers and whose certificate it is."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    connection.request("GET", path, headers=headers)
    subject = dict(pair for [pair] in connection.sock.getpeercert()["subject"])["commonName"]
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, subject, body


def speaks(port, version):
    """Whether a client that would take any cipher of this version comes to an agreement."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-cipher",
         "ALL:@SECLEVEL=0"], input="", text=True, capture_output=True, timeout=10)
    return done.returncode == 0


def test_over_tls_with_a_token_that_is_replaced_and_a_certificate_that_is(tmp_path):
    authority = Authority(tmp_path)
    for name in ("first", "second"):
        authority.sign(name)
    authority.install("first", "crt", "key")
    token = tmp_path / "token"
    token.write_text("correct-horse\n")
    context = authority.context()
    settings = {"http.tls.certificate": str(tmp_path / "server.crt"),
                "http.tls.key": str(tmp_path / "server.key"), "http.token_file": str(token)}
    with Agent(tmp_path, settings, ready=False) as agent:
        eventually(lambda: "msg=started" in agent.log, 15, lambda: agent.log)
        shown = {"Authorization": "Bearer correct-horse"}
        status, headers, subject, body = ask(agent.port, context, **shown)
        assert (status, subject) == (200, "first") and b"target_info" in body
        status, headers, _, body = ask(agent.port, context)
        assert status == 401 and headers["WWW-Authenticate"] == 'Bearer realm="apus"'
        assert b"apus_process" not in body
        for path in ("/healthz", "/readyz"):
            assert ask(agent.port, context, path)[0] == 200
        # Nothing is said in clear, nor to those who do not know the authority.
        with pytest.raises((OSError, http.client.HTTPException)):
            agent.get("/healthz")
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(agent.port, ssl.create_default_context())
        assert speaks(agent.port, "-tls1_2") and speaks(agent.port, "-tls1_3")
        assert not speaks(agent.port, "-tls1_1")
        token.write_text("battery-staple")
        assert ask(agent.port, context, **shown)[0] == 401
        assert ask(agent.port, context, Authorization="Bearer battery-staple")[0] == 200
        # A key of another certificate: the old ones stay until both are there.
        authority.install("second", "key")
        eventually(lambda: ask(agent.port, context, "/healthz")[2] == "first"
                   and "cannot be used, the one before stays" in agent.log, 10,
                   lambda: agent.log)
        assert "certificate has changed" not in agent.log
        authority.install("second", "crt")
        eventually(lambda: ask(agent.port, context, "/healthz")[2] == "second")
        eventually(lambda: f'certificate has changed, new connections use it" '
                    f"file={tmp_path}/server.crt" in agent.log, 5, lambda: agent.log)
        doctor = run("doctor").stdout
        assert f"https://127.0.0.1:{agent.port}/metrics, needs TLS and a token\n" in doctor
        assert re.search(r"ok +health +ready\n", doctor)
        assert "apus.process.exec to metrics: " in doctor


@pytest.mark.parametrize("settings,message", [
    ({"http.tls.certificate": "/none.crt"}, "http.tls.key is not set"),
    ({"http.tls.certificate": "/none.crt", "http.tls.key": "/none.key"},
     'http.tls.certificate: "/none.crt" cannot be read (No such file or directory)'),
    ({"http.token_file": "/none"}, 'http.token_file: "/none" cannot be read'),
    ({"http.token": "two words"}, "http.token: is not a token"),
])
def test_it_does_not_start_with_less_than_was_asked_for(tmp_path, settings, message):
    agent = Agent(tmp_path, settings, ready=False)
    assert agent.process.wait(20) != 0
    agent.stop()
    assert message in agent.log and "two words" not in agent.log


def test_a_token_is_not_printed(tmp_path):
    config = tmp_path / "apus.yaml"
    config.write_text("http: { token: correct-horse }\n")
    shown = run("config", "print", "--config", config)
    assert shown.returncode == 0 and "correct-horse" not in shown.stdout
    assert "***" in shown.stdout


def dial(port, address="127.0.0.1", timeout=5):
    dialled = socket.socket()
    dialled.settimeout(timeout)
    dialled.bind((address, 0))
    dialled.connect(("127.0.0.1", port))
    return dialled


def is_alive(port):
    """Asked from an address of its own, which nobody else's connections count for."""
    with dial(port, "127.0.0.77") as dialled:
        dialled.sendall(ALIVE)
        answer = dialled.makefile("rb").read()
        return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"ok\n")


class Slow:
    """Clients that begin and do not come to an end."""

    def __init__(self, port):
        self.began = time.monotonic()
        # A header line now and then, for ever.
        self.talkers = [dial(port) for _ in range(4)]
        # Half of a request, and nothing.
        self.halves = [dial(port) for _ in range(4)]
        # All of a request, and the answer is not read.
        self.readers = [self.reader(port) for _ in range(3)]
        for one in self.talkers + self.halves:
            one.sendall(b"GET /metrics HTTP/1.1\r\n")
        self.seconds = None
        self.thread = threading.Thread(target=self.go_on, daemon=True)
        self.thread.start()

    @staticmethod
    def reader(port):
        dialled = socket.socket()
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        dialled.settimeout(5)
        dialled.connect(("127.0.0.1", port))
        dialled.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        return dialled

    def go_on(self):
        """Takes the seconds until all were ended, while those that talk go on to talk."""
        left = self.talkers + self.halves
        while left and time.monotonic() - self.began < 45:
            for one in list(left):
                try:
                    if one in self.talkers:
                        one.sendall(b"X: y\r\n")
                    one.settimeout(0.01)
                    if one.recv(1) == b"":
                        left.remove(one)
                except TimeoutError:
                    pass
                except OSError:
                    left.remove(one)
            time.sleep(0.2)
        if not left:
            self.seconds = time.monotonic() - self.began

    def ended(self):
        self.thread.join()
        return self.seconds

    def close(self):
        for one in self.talkers + self.halves + self.readers:
            one.close()


def garbage(port, count):
    """Requests of random bytes, and of good ones with a few bytes changed."""
    random.seed(23)
    good = (b"GET /metrics?a=%41 HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;q=0.5,"
            b"*/*\r\nAccept-Encoding: gzip\r\nContent-Length: 0\r\nAuthorization: Bearer x\r\n\r\n")
    for number in range(count):
        if number % 3 == 0:
            request = random.randbytes(random.randrange(1, 400))
        else:
            request = bytearray(good)
            for _ in range(random.randrange(1, 12)):
                request[random.randrange(len(request))] = random.randrange(256)
        with dial(port, f"127.0.1.{number % 200 + 1}") as dialled:
            try:
                dialled.sendall(bytes(request))
                dialled.shutdown(socket.SHUT_WR)
                while dialled.recv(1 << 16):
                    pass
            except OSError:
                pass


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.pid}/fd"))


def resident(agent):
    status = pathlib.Path(f"/proc/{agent.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def test_clients_that_mean_no_good_are_ended_and_others_are_served(tmp_path, figures):
    with Agent(tmp_path) as agent:
        port = agent.port
        assert is_alive(port)
        before, memory = descriptors(agent), resident(agent)
        slow = Slow(port)
        assert is_alive(port)
        # A header of 10 MB: refused when it is longer than what is kept.
        with dial(port, "127.0.0.78") as dialled:
            with pytest.raises(OSError):
                dialled.sendall(b"GET / HTTP/1.1\r\nX: ")
                for _ in range(160):
                    dialled.sendall(b"x" * (64 << 10))
                raise OSError if dialled.recv(64).startswith(b"HTTP/1.1 4") else AssertionError
        # A body is never read.
        for head in (b"Content-Length: 10000000000", b"Transfer-Encoding: chunked"):
            with dial(port, "127.0.0.78") as dialled:
                dialled.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
                assert dialled.recv(64).startswith(b"HTTP/1.1 413 ")
        began = time.monotonic()
        garbage(port, 2000)
        garbled = time.monotonic() - began
        assert is_alive(port)
        # A thousand at once, of which thirty-two are let in at a time: the others wait or are sent
        # away, and when they are gone there is room again.
        crowd = []
        for number in range(1000):
            one = socket.socket()
            one.setblocking(False)
            one.bind((f"127.0.2.{number % 250 + 1}", 0))
            one.connect_ex(("127.0.0.1", port))
            crowd.append(one)
        time.sleep(0.5)
        assert descriptors(agent) - before <= 32
        for one in crowd:
            one.close()
        eventually(lambda: is_alive(port))
        ended = slow.ended()
        slow.close()
        eventually(lambda: descriptors(agent) <= before, 40)
        assert is_alive(port)
        grown = resident(agent) - memory
        figures(f"2000 requests of garbage in {garbled:.1f} s; slow clients ended within "
                f"{ended:.0f} s; {grown >> 10} KiB more resident than before")
        assert ended and 9 < ended < 36
        # A sanitizer keeps what was freed.
        assert SANITIZED or grown < 8 << 20
        assert agent.stop() == 0
