# SPDX-License-Identifier: Apache-2.0
"""Connects over a tunnel whose far end answers each SYN after a time of its own, drawn evenly on a
logarithmic scale; prints how long each connect took, in seconds, as a JSON list.

To be run in a network namespace of its own: COUNT SHORTEST LONGEST. Only the standard library.
"""
import fcntl
import heapq
import json
import math
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
SYN, ACK = 2, 16
NEAR, FAR = "10.99.0.1", "10.99.0.2"
DIALERS = 64


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def answer(packet):
    """The SYN and ACK to a SYN."""
    head = (packet[0] & 15) * 4
    near, far = packet[12:16], packet[16:20]
    source, port, sequence = struct.unpack_from("!HHI", packet, head)
    tcp = struct.pack("!HHIIBBHHH", port, source, 1000, sequence + 1 & 0xffffffff, 5 << 4,
                      SYN | ACK, 65535, 0, 0)
    pseudo = far + near + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0)
    ip = ip[:10] + struct.pack("!H", checksum(ip + far + near)) + far + near
    return ip + tcp


def serve(tunnel, delays):
    waiting = []
    while True:
        left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([tunnel], [], [], left)[0]:
            packet = os.read(tunnel, 2048)
            is_tcp = packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP
            if is_tcp and packet[(packet[0] & 15) * 4 + 13] == SYN:
                heapq.heappush(waiting, (time.monotonic() + next(delays), answer(packet)))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tunnel, heapq.heappop(waiting)[1])


def dial(count, took):
    for _ in range(count):
        with socket.socket() as dialled:
            # Closed by a reset: nothing is left that waits for an answer.
            dialled.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            began = time.monotonic_ns()
            dialled.connect((FAR, 80))
            took.append((time.monotonic_ns() - began) / 1e9)


def main(count, shortest, longest):
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", b"slow", IFF_TUN | IFF_NO_PI))
    for words in (f"address add {NEAR}/24 dev slow", "link set slow up"):
        subprocess.run(["ip", *words.split()], check=True)
    delays = [shortest * math.exp(math.log(longest / shortest) * (place + 0.5) / count)
              for place in range(count)]
    random.Random(23).shuffle(delays)
    # In a process of its own, so that it never waits for a dialer's turn.
    server = os.fork()
    if not server:
        serve(tunnel, iter(delays))
    took = []
    dialers = [threading.Thread(target=dial, args=(count // DIALERS, took))
               for _ in range(DIALERS)]
    for dialer in dialers:
        dialer.start()
    for dialer in dialers:
        dialer.join()
    os.kill(server, signal.SIGKILL)
    print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
