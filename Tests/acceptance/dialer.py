# SPDX-License-Identifier: Apache-2.0
"""A process that connects as a test tells it to, and tells what became of each connect.

An order is a line of JSON on standard input: [what, {options}]; its answer is one on standard
output. Only the standard library is used. The first argument is the name the process goes by.
"""
import errno
import json
import os
import socket
import struct
import sys

TOTAL_RETRANS = 100  # Where tcp_info has it, a u32.


def made(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM)


def dial(address, port, count):
    """[source port, errno] of each: bound before, so that one refused is known by its port, too."""
    told = []
    for _ in range(count):
        with made(address) as dialled:
            dialled.bind((address, 0))
            told.append([dialled.getsockname()[1], dialled.connect_ex((address, port))])
    return told


def become(uid):
    os.setresuid(uid, uid, uid)
    return uid


class Unanswered:
    """Connects to a listener whose queue is full: their SYNs are dropped, and sent again."""

    def __init__(self):
        self.listeners = []
        self.waiting = []

    def begin(self, address, count):
        listener = made(address)
        listener.bind((address, 0))
        listener.listen(0)
        self.listeners.append(listener)
        port = listener.getsockname()[1]
        filler = made(address)
        filler.connect((address, port))
        self.listeners.append(filler)
        for _ in range(count):
            dialled = made(address)
            dialled.setblocking(False)
            assert dialled.connect_ex((address, port)) == errno.EINPROGRESS
            self.waiting.append(dialled)
        return [port, [dialled.getsockname()[1] for dialled in self.waiting[-count:]]]

    def sent_again(self, *, close):
        """[source port, how often the kernel says its SYN was sent again] of each."""
        told = []
        for dialled in self.waiting:
            info = dialled.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            told.append([dialled.getsockname()[1],
                         struct.unpack_from("I", info, TOTAL_RETRANS)[0]])
            if close:
                dialled.close()
        if close:
            for one in self.waiting + self.listeners:
                one.close()
            self.waiting, self.listeners = [], []
        return told


if __name__ == "__main__":
    with open("/proc/self/comm", "w") as comm:
        comm.write(sys.argv[1])
    unanswered = Unanswered()
    orders = {"dial": dial, "become": become, "begin": unanswered.begin,
              "sent_again": unanswered.sent_again}
    for line in sys.stdin:
        what, options = json.loads(line)
        print(json.dumps(orders[what](**options)), flush=True)
