# SPDX-License-Identifier: Apache-2.0
"""What the tests of the on-host tools share: a tool as it is run by hand, and who gives it work."""
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import tty
import uuid

from agent import APUS, ENVIRONMENT
from waiting import eventually

HERE = pathlib.Path(__file__).resolve().parent
# What each prints when it is attached.
READY = {"execsnoop": r"PCOMM", "tcpconnect": r"DPORT|Tracing", "tcpretrans": r"T> |RADDR|Tracing",
         "runqlat": r"Tracing", "biolatency": r"Tracing"}
TOOLS = tuple(READY)
HISTOGRAMS = ("runqlat", "biolatency")


class OnHost:
    """A tool whose output is a pipe, or a terminal of its own that hands its bytes on unchanged.

    `ready` waits for what it prints when it is attached; as JSON it prints nothing then.
    """

    started = []

    def __init__(self, name, *arguments, terminal=None, environment=(), ready=True):
        self.name = name
        self.arguments = [name, *map(str, arguments)]
        self._bytes = b""
        reading, writing = self._terminal(*terminal) if terminal else os.pipe()
        self.process = subprocess.Popen(
            [APUS, *self.arguments], env={**ENVIRONMENT, **dict(environment)},
            stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE)
        OnHost.started.append(self.process)
        os.close(writing)
        self._readers = [threading.Thread(target=self._read, args=(reading,)),
                         threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()
        if ready:
            # A count of tables shows none before the first interval.
            eventually(lambda: re.search(READY[name], self.text) or self.process.poll() is not None,
                       15, lambda: self.errors)

    @staticmethod
    def _terminal(width, height):
        reading, writing = pty.openpty()
        tty.setraw(writing)
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        return reading, writing

    def _read(self, reading):
        while True:
            try:
                some = os.read(reading, 1 << 16)
            except OSError:  # How a terminal ends.
                some = b""
            if not some:
                os.close(reading)
                return
            self._bytes += some

    errors = ""

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors += line.decode()

    @property
    def text(self):
        return self._bytes.decode()

    def wait(self, seconds=20):
        """Until it ends by itself; what it has printed. Its exit code must be 0."""
        assert self.process.wait(seconds) == 0, self.errors
        for reader in self._readers:
            reader.join(seconds)
        assert unexpected(self.errors) == []
        return self.text

    def end(self):
        """Ctrl-C. Whatever happened before is told before it ends."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()


def unexpected(errors):
    """All but that something of somebody else's had begun before the tool did."""
    return [line for line in errors.splitlines() if "their beginning was not kept" not in line]


def end_all():
    while OnHost.started:
        process = OnHost.started.pop()
        if process.poll() is None:
            process.kill()
            process.wait()


class Dialer:
    """dialer.py under a name that nothing else on the machine has, short enough to be shown."""

    def __init__(self, cgroup=None, uid=None):
        self.name = f"d{uuid.uuid4().hex[:10]}"
        self.uid = uid or 0
        self.process = subprocess.Popen(
            [sys.executable, HERE / "dialer.py", self.name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=cgroup.join if cgroup else None)
        if uid:
            self.order("become", uid=uid)

    @property
    def pid(self):
        return self.process.pid

    def order(self, what, **options):
        self.process.stdin.write(json.dumps([what, options]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def dial(self, address, port, count=1):
        return self.order("dial", address=address, port=port, count=count)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Ports:
    """A listener, and a port that nobody listens on, for each family."""

    ADDRESS = {4: "127.0.0.1", 6: "::1"}

    def __init__(self):
        self.sockets = []
        self.listening, self.refusing = {}, {}
        for family, address in self.ADDRESS.items():
            for ports in (self.listening, self.refusing):
                kind = socket.AF_INET6 if family == 6 else socket.AF_INET
                made = socket.socket(kind, socket.SOCK_STREAM)
                made.bind((address, 0))
                # What is bound and does not listen refuses, and nobody else takes the port.
                if ports is self.listening:
                    made.listen(256)
                ports[family] = made.getsockname()[1]
                self.sockets.append(made)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for made in self.sockets:
            made.close()


def rows(text, header):
    """The lines under the header as {its word: what stands there}; no column of ours is empty."""
    lines = text.splitlines()
    names = lines[lines.index(header)].split()
    found = [line.split() for line in lines[lines.index(header) + 1:]]
    assert all(len(row) == len(names) for row in found), text
    return [dict(zip(names, row)) for row in found]


def objects(text):
    """One JSON object a line, and nothing else."""
    assert text == "" or text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(item, dict) for item in found)
    return found
