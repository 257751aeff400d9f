# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 as far as it takes to reset every stream: with the error code that is the last byte of its
body. Prints its port; ends when its standard input does."""

import socketserver
import struct
import sys
import threading

DATA, RST_STREAM, SETTINGS, PING = 0, 3, 4, 6
END_STREAM = ACK = 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, content=b""):
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.read(len(PREFACE)) != PREFACE:
            return
        self.wfile.write(frame(SETTINGS, 0, 0))
        while len(head := self.rfile.read(9)) == 9:
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            content = self.rfile.read(int.from_bytes(head[:3], "big"))
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.wfile.write(frame(kind, ACK, 0, content if kind == PING else b""))
            elif kind == DATA and flags & END_STREAM:
                self.wfile.write(frame(RST_STREAM, 0, stream, struct.pack(">I", content[-1])))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Connection)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
