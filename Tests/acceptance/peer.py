# SPDX-License-Identifier: Apache-2.0
"""One end of TCP connections as a process of its own, that does what a test tells it to.

Orders and answers are JSON over the SOCK_SEQPACKET socket whose number is the only argument;
descriptors travel along. Only the standard library is used, and only one order runs at a time; what
is sent and received goes its way in the background, so that a test can watch it.
"""
import json
import os
import select
import socket
import struct
import sys
import threading

TIMEOUT = 60
INFO_BYTES = 256
# struct tcp_info: u8 fields, then u32 from offset 8, then u64 from 104.
INFO = {"state": ("B", 0), "mss": ("I", 16), "unacked": ("I", 24), "total_retrans": ("I", 100),
        "bytes_retrans": ("Q", 208)}
SO_COOKIE = 57


class Peer:
    def __init__(self, control):
        self.control = control
        self.sockets = {}
        self.workers = {}
        self.missing = {}
        self.next = 0

    def keep(self, made):
        made.settimeout(TIMEOUT)
        self.next += 1
        self.sockets[self.next] = made
        return self.next

    def describe(self, name):
        made = self.sockets[name]
        raw = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
        raw = raw.ljust(INFO_BYTES, b"\0")
        try:
            remote_port = made.getpeername()[1]
        except OSError:
            remote_port = None
        return {"name": name, "port": made.getsockname()[1], "pid": os.getpid(),
                "remote_port": remote_port,
                "cookie": struct.unpack("Q", made.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0],
                **{key: struct.unpack_from(form, raw, at)[0] for key, (form, at) in INFO.items()}}

    def listen(self, address, port=0, fast_open=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if fast_open:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, fast_open)
        made.bind((address, port))
        made.listen(128)
        name = self.keep(made)
        return {"name": name, "port": made.getsockname()[1]}

    def accept(self, name):
        return self.describe(self.keep(self.sockets[name].accept()[0]))

    def connect(self, address, port, count=1):
        """Many at once; each is on its way when the answer comes, established after `wait`."""
        names = []
        for _ in range(count):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made = socket.socket(family, socket.SOCK_STREAM)
            names.append(self.keep(made))
            made.setblocking(False)
            try:
                made.connect((address, port))
            except BlockingIOError:
                pass
        return [self.describe(name) for name in names]

    def fast_open(self, address, port, size):
        """Connects with data in the SYN."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        name = self.keep(made)
        made.sendto(bytes(size), socket.MSG_FASTOPEN, (address, port))
        return self.describe(name)

    def wait(self, name):
        """Until the connect has succeeded."""
        made = self.sockets[name]
        poll = select.poll()
        poll.register(made, select.POLLOUT)
        assert poll.poll(TIMEOUT * 1000), "still connecting"
        error = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert error == 0, os.strerror(error)
        made.settimeout(TIMEOUT)
        return {}

    def send(self, name, size):
        return self.begin(name, self.sockets[name].sendall, bytes(size))

    def receive(self, name, size):
        return self.begin(name, self.drain, name, size)

    def begin(self, name, work, *arguments):
        self.workers[name] = threading.Thread(target=work, args=arguments)
        self.workers[name].start()
        return {}

    def end(self, name):
        """Until what was to be sent is with the kernel, or what was to be received has come."""
        self.workers.pop(name).join()
        return {"missing": self.missing.get(name, 0)}

    def drain(self, name, size):
        self.missing[name] = size
        while self.missing[name]:
            got = len(self.sockets[name].recv(min(self.missing[name], 1 << 20)))
            if not got:
                return
            self.missing[name] -= got

    def info(self, name):
        return self.describe(name)

    def close(self, name):
        self.sockets.pop(name).close()
        return {}

    def give(self, name):
        """Sends the descriptor away, and keeps none."""
        self.control_fds = [self.sockets.pop(name).detach()]
        return {}

    def take(self, fd):
        return self.describe(self.keep(socket.socket(fileno=fd)))

    def fork(self, fd):
        """A child that has all sockets, with a control of its own."""
        child = os.fork()
        if child:
            os.close(fd)
            return {"pid": child}
        self.control.close()
        self.control = socket.socket(fileno=fd)
        return {"pid": os.getpid()}

    def serve(self):
        while True:
            order, fds, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
            if not order:
                return
            self.control_fds = []
            order = json.loads(order)
            try:
                answer = getattr(self, order["do"])(*order["with"], *fds)
            except Exception as error:  # Whatever is wrong, the test must hear of it.
                answer = {"error": repr(error)}
            socket.send_fds(self.control, [json.dumps(answer).encode()], self.control_fds)
            for fd in self.control_fds:
                os.close(fd)


if __name__ == "__main__":
    Peer(socket.socket(fileno=int(sys.argv[1]))).serve()
