# SPDX-License-Identifier: Apache-2.0
"""What `apus doctor` says of a collector, for each way in which one can be at fault."""
import contextlib
import http.server
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
from concurrent import futures

import grpc
import pytest

from doctors import apart, check, doctor, quiet, section
from receiver import Receiver
from test_http import Authority


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every POST with the status that its path names, and CONNECT with 407."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = int(re.search(r"/(\d+)/", self.path)[1])
        body = b"<html>welcome</html>" if "/page" in self.path else b""
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "text/html")
        if 300 <= status < 400:
            self.send_header("Location", "https://elsewhere.invalid/v1/logs?key=secret")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self):
        self.send_error(407)

    def log_message(self, *unused):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *unused):
        """Clients that are refused are what is tested."""


@contextlib.contextmanager
def served(context=None):
    server = Server(("127.0.0.1", 0), Answer)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def silent():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def full():
    """Its queue has room for one, which is there: the kernel answers no SYN of another."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        with socket.create_connection(listener.getsockname()):
            yield listener.getsockname()[1]


@contextlib.contextmanager
def resetting(context):
    """Ends each connection by a reset, once TLS is agreed on and something has come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    client = context.wrap_socket(listener.accept()[0], server_side=True)
                    client.recv(1)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    os.close(client.detach())
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def demanding(files):
    """Refuses clients without a certificate, by an alert that comes after their handshake."""
    with subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_3", "-cert",
             files["first.crt"], "-key", files["first.key"], "-CAfile", files["ca.crt"],
             "-Verify", "1", "-verify_return_error"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.PIPE, text=True) as server:
        try:
            line = next(line for line in server.stdout if line.startswith("ACCEPT "))
            yield int(line.rsplit(":", 1)[1])
        finally:
            server.kill()


@contextlib.contextmanager
def grpc_without_services():
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def asked(tmp_path):
    """What the doctor says of one endpoint for logs; it leaves with `code`."""
    config = quiet(tmp_path)

    def ask(endpoint, code=1, within=None, environment=None, **variables):
        done = doctor(
            "--config", config, "--listen", "off", within=within or apart(), environment={
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": endpoint, **(environment or {}),
                **{f"OTEL_EXPORTER_OTLP_{key}": value for key, value in variables.items()}})
        assert done.returncode == code, done.stdout
        return section(done.stdout, "destinations").replace(str(tmp_path), "DIRECTORY")

    return ask


def written(name, told):
    check(name, "".join(f"# {what}\n{text}" for what, text in told.items()))


def test_each_fault_of_a_destination(asked):
    told = {}
    with Receiver() as receiver:
        told["it takes http/protobuf"] = asked(f"{receiver.http_endpoint}/v1/logs", 0)
        told["it takes http/json, compressed"] = asked(
            f"{receiver.http_endpoint}/v1/logs", 0, PROTOCOL="http/json", COMPRESSION="gzip")
        told["it takes grpc"] = asked(receiver.grpc_endpoint, 0, PROTOCOL="grpc")
        told["it takes grpc, compressed"] = asked(
            receiver.grpc_endpoint, 0, PROTOCOL="grpc", COMPRESSION="gzip")
    told["the name is not known"] = asked("http://nowhere.invalid:4318")
    told["nothing listens"] = asked(f"http://127.0.0.1:{closed_port()}")
    told["no socket is there"] = asked("unix:///no/such.sock")
    with silent() as port:
        told["it says nothing"] = asked(f"http://127.0.0.1:{port}", TIMEOUT="1000")
        told["it says nothing of TLS"] = asked(f"https://127.0.0.1:{port}", TIMEOUT="1000")
    with full() as port:
        told["it takes no connection"] = asked(f"http://127.0.0.1:{port}", TIMEOUT="1000")
    with served() as port:
        for status in (302, 400, 401, 404, 415, 503):
            told[f"it answers {status}"] = asked(f"http://127.0.0.1:{port}/{status}/")
        told["it is a web site"] = asked(f"http://127.0.0.1:{port}/200/page", 0)
        told["it speaks no TLS"] = asked(f"https://127.0.0.1:{port}/200/")
        told["it speaks no gRPC"] = asked(f"http://127.0.0.1:{port}", PROTOCOL="grpc")
    with grpc_without_services() as port:
        told["it is another gRPC server"] = asked(f"http://127.0.0.1:{port}", PROTOCOL="grpc")
    assert "secret" not in "".join(told.values())
    written("doctor-destinations", told)


def test_no_name_server_answers(asked, tmp_path):
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.53.53.53\noptions timeout:10 attempts:1\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silence:
        silence.bind(("127.53.53.53", 53))
        text = asked(
            "http://collector.example:4318", TIMEOUT="1000", within=[
                "unshare", "--mount", "sh", "-c",
                f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh", *apart()])
    assert "resolve: Resolving timed out" in text and "no name server answers" in text


def test_each_fault_of_certificates(asked, tmp_path):
    authority = Authority(tmp_path)
    for name in ("first", "second"):
        authority.sign(name)
    files = {name: str(tmp_path / name) for name in (
        "ca.crt", "first.crt", "first.key", "second.key")}
    (tmp_path / "none.pem").write_text("no PEM\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["first.crt"], files["first.key"])
    told = {}
    with served(context) as port:
        url = f"https://127.0.0.1:{port}/200/"
        told["nobody trusts its certificate"] = asked(url)
        told["its authority cannot be read"] = asked(url, CERTIFICATE="/no/such.pem")
        told["its authority is none"] = asked(url, CERTIFICATE=str(tmp_path / "none.pem"))
        told["the client's key is another's"] = asked(
            url, CLIENT_CERTIFICATE=files["first.crt"], CLIENT_KEY=files["second.key"])
    with resetting(context) as port:
        told["it hangs up"] = asked(f"https://127.0.0.1:{port}/", CERTIFICATE=files["ca.crt"])
    with demanding(files) as port:
        told["it wants a certificate of the client"] = asked(
            f"https://127.0.0.1:{port}/", CERTIFICATE=files["ca.crt"])
    written("doctor-certificates", told)


def test_each_fault_of_a_proxy(asked):
    told = {}
    with served() as port:
        proxy = f"http://me:hunter2@127.0.0.1:{port}"
        told["it wants a password"] = asked(
            "http://collector.invalid/407/", environment={"http_proxy": proxy})
        told["it wants a password for TLS"] = asked(
            "https://collector.invalid/", environment={"https_proxy": proxy})
    told["it is not there"] = asked(
        "http://collector.invalid/", environment={"http_proxy": proxy})
    told["its name is not known"] = asked(
        "http://127.0.0.1/", environment={"http_proxy": "http://proxy.invalid:3128"})
    told["it is not asked"] = asked(
        "http://127.0.0.1:1/", environment={"http_proxy": proxy, "no_proxy": "127.0.0.1"})
    assert "hunter2" not in "".join(told.values())
    written("doctor-proxies", told)


def test_without_libcurl_every_signal_is_listed(tmp_path):
    library = next(pathlib.Path("/usr/lib").glob("*/libcurl.so.4"))
    hidden = ["unshare", "--mount", "sh", "-c", f'mount --bind /dev/null {library} && exec "$@"',
              "sh", *apart()]
    done = doctor("--config", quiet(tmp_path), "--listen", "off", within=hidden,
                  environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert done.returncode == 1
    text = section(done.stdout, "destinations")
    assert [line.split()[1] for line in text.splitlines() if "error" in line.split()[0]] == [
        "logs", "metrics"]
    assert text.count("libcurl.so.4 (Debian package libcurl4)") == 2
    assert text.count("apt-get install libcurl4") == 2
