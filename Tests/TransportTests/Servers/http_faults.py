# SPDX-License-Identifier: Apache-2.0
"""An HTTP server whose paths are faults. Prints its port; ends when its standard input does."""

import gzip
import hashlib
import http.server
import socket
import struct
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/x-protobuf", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        parts = self.path.strip("/").split("/")
        kind = parts[0]
        if kind == "early":
            # An answer and the end of what is sent, before the body was read.
            self.close_connection = True
            self.answer(413, b"too large for me", "text/plain", [("Connection", "close")])
            self.connection.shutdown(socket.SHUT_WR)
            # With bytes unread, closing would be a reset that may overtake the answer.
            while self.connection.recv(1 << 16):
                pass
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if kind == "v1":
            self.answer(200)
        elif kind == "partial":
            self.answer(200, b"\x0a\x0b\x08\x05\x12\x07too old")
        elif kind == "html":
            self.answer(200, b"<html>", "text/html")
        elif kind == "status":
            headers = [("Retry-After", parts[2].replace("_", " "))] if len(parts) > 2 else []
            self.answer(int(parts[1]), b"\x12\x04full", headers=headers)
        elif kind == "text":
            self.answer(400, b"line one\nline two " + b"x" * int(parts[1]) + b"\n", "text/plain")
        elif kind == "zipped":
            packed = gzip.compress(b"\x0a\x0b\x08\x05\x12\x07too old")
            self.answer(200, packed, headers=[("Content-Encoding", "gzip")])
        elif kind == "bomb":
            packed = gzip.compress(bytes(int(parts[1])))
            self.answer(200, packed, headers=[("Content-Encoding", "gzip")])
        elif kind == "repeat":
            text = f"bad: {self.headers['Authorization']} {self.headers['X-Key']}"
            self.answer(400, text.encode(), "text/plain")
        elif kind == "slow":
            time.sleep(float(parts[1]))
            self.answer(200)
        elif kind == "huge":
            self.answer(200, bytes(int(parts[1])))
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif kind == "garbage":
            self.wfile.write(b"\x00\x01\x02 no HTTP at all\r\n\r\n")
            self.close_connection = True
        elif kind == "close":
            # The client is not told: the kept connection is dead when it is used again.
            self.answer(200)
            self.close_connection = True
        elif kind == "inspect":
            lines = [f"{name.lower()}: {value}" for name, value in self.headers.items()]
            lines.append(f"path: {self.path}")
            lines.append(f"sha256: {hashlib.sha256(body).hexdigest()}")
            self.answer(200, "\n".join(lines).encode(), "text/plain")
        else:
            self.answer(404)

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ValueError, OSError):
            self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except (ValueError, OSError):
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
