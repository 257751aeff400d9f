# SPDX-License-Identifier: Apache-2.0
"""What may stand between the agent and a receiver: an end of TLS, or a proxy. Both pass bytes on.
"""
import datetime
import socket
import ssl
import threading
import warnings

import trustme
from cryptography import x509


class Relay:
    """Passes connections on to a port of loopback; with a context it is the end of their TLS."""

    def __init__(self, port=0, context=None):
        self.target = port
        self.context = context
        self.sent = 0  # bytes, by the side that connects
        self.handshakes = []  # (ALPN, version, serial of the client's certificate)
        self.failures = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
                der = client.getpeercert(binary_form=True)
                serial = x509.load_der_x509_certificate(der).serial_number if der else None
                self.handshakes.append((client.selected_alpn_protocol(), client.version(), serial))
            server, begun = self.connect(client)
        except (OSError, ValueError) as error:
            self.failures.append(repr(error))
            client.close()
            return
        server.sendall(begun)
        self.sent += len(begun)
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        self._pump(client, server, counts=True)

    def connect(self, client):
        """The other side, and what has been read for it."""
        return socket.create_connection(("127.0.0.1", self.target)), b""

    def _pump(self, source, target, counts=False):
        try:
            while data := source.recv(65536):
                target.sendall(data)
                self.sent += len(data) * counts
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Proxy(Relay):
    """An HTTP proxy: CONNECT, and forwarding of what is asked for by a whole URL."""

    def __init__(self):
        self.asked = []  # method, target and authorization of each connection's first request
        super().__init__()

    def connect(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                raise OSError("no request")
            head += data
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        lines = head.decode("latin-1").split("\r\n")
        secret = [line.split(" ")[-1] for line in lines if line.lower().startswith("proxy-auth")]
        self.asked.append((method, target, "".join(secret)))
        host, port = target.removeprefix("http://").split("/")[0].rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        if method != "CONNECT":
            return server, head
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        return server, head.split(b"\r\n\r\n", 1)[1]


class Certificates:
    """An authority, and what it issued: files in `directory` that are replaced as a whole."""

    def __init__(self, directory):
        self.directory = directory
        self.directory.mkdir()
        self.authority = trustme.CA()

    def write(self, name, blob):
        new = self.directory / "new"
        new.write_bytes(blob)
        new.rename(self.directory / name)
        return str(self.directory / name)

    def authority_file(self):
        return self.write("ca.pem", self.authority.cert_pem.bytes())

    def client_files(self, expired=False):
        """Certificate, key and serial of a new client."""
        end = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1) if expired else None
        issued = self.authority.issue_cert("agent.example", not_after=end)
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        serial = x509.load_pem_x509_certificate(chain).serial_number
        return (self.write("client.pem", chain),
                self.write("client.key", issued.private_key_pem.bytes()), serial)

    def old_server_context(self):
        """For 127.0.0.1, with nothing newer than TLS 1.1, which OpenSSL 3 speaks unwillingly."""
        context = self.server_context(asks=False)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    def server_context(self, asks=True):
        """For 127.0.0.1; it asks for a client's certificate of the same authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context
