# SPDX-License-Identifier: Apache-2.0
"""`apus doctor` as golden files: with and without privilege, of a bare machine, of each fault.

APUS_GOLDEN=write writes them anew, to be read before they are committed.
"""
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from concurrent import futures

import grpc

from agent import APUS, ENVIRONMENT, Agent
from receiver import Receiver
from waiting import eventually

GOLDEN = pathlib.Path(__file__).parent / "golden"
# What differs between machines of the same kind, or from run to run.
VARIABLE = [
    (r"(ok +(?:release|lockdown|lsm|clock|cgroups) +).*", r"\1(of this machine)"),
    (r"\d+ possible", "N possible"),
    (r"(?m)^(  ok +\S.*? {2,})\d+ (?:B|KiB|MiB)\b", r"\1SIZE"),
    (r"\d+ KiB resident", "SIZE resident"),
    (r"with pid \d+", "with pid PID"),
    (r"127\.0\.0\.1([: ](?:port )?)\d+", r"127.0.0.1\1PORT"),
    (r"after \d+ m", "after N m"),
    # Whichever end is faster.
    (r"Send failure: (Broken pipe|Connection reset by peer)|Recv failure: Connection reset by peer",
     "Empty reply from server"),
    (r"\d+ (produced|delivered|filtered|on the way)", r"N \1"),
]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
          "--bounding-set=-all"]


def normal(text):
    for pattern, replacement in VARIABLE:
        text = re.sub(pattern, replacement, text)
    return text


def check(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("APUS_GOLDEN") == "write":
        path.write_text(normal(text))
    assert normal(text) == path.read_text(), f"{path.name} differs"


def doctor(*arguments, environment=None, within=(), program=APUS):
    return subprocess.run([*within, program, "doctor", *map(str, arguments)], text=True,
                          env={**ENVIRONMENT, **(environment or {})}, capture_output=True,
                          timeout=60)


def apart(*mounts):
    """In a mount namespace of its own, without a running agent: what to run first."""
    steps = " && ".join(["mount -t tmpfs none /run",
                         *(f"mount -t tmpfs none {path}" for path in mounts)])
    return ["unshare", "--mount", "sh", "-c", f'{steps} && exec "$@"', "sh"]


def section(text, name):
    parts = dict(part.split("\n", 1) for part in text.split("\n\n"))
    return parts[name].rstrip("\n") + "\n"


def test_all_is_well_here():
    done = doctor(within=apart())
    assert done.returncode == 0, done.stdout + done.stderr
    check("doctor-root", done.stdout)
    assert done.stderr == "" and "\x1b" not in done.stdout


def test_json_says_the_same():
    text = doctor(within=apart()).stdout
    objects = [json.loads(line) for line in doctor("--json", within=apart()).stdout.splitlines()]
    assert all(set(item) == {"section", "name", "state", "value", "remedy"} for item in objects)
    told = [item for item in objects if item["name"] in text and item["value"] in text]
    assert told == objects and len(objects) == sum(
        line.startswith("  ") and "-> " not in line for line in text.splitlines())


@contextlib.contextmanager
def program_for_nobody():
    """A copy where anyone may run it."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield shutil.copy(APUS, directory)


def test_without_privilege():
    with program_for_nobody() as program:
        done = doctor(within=[*apart(), *NOBODY], program=program)
    assert done.returncode == 4
    check("doctor-nobody", done.stdout)
    assert done.stderr == "apus: 1 error; see above\n"


def test_without_btf():
    done = doctor(within=apart("/sys/kernel/btf"))
    assert done.returncode == 4
    check("doctor-without-btf", done.stdout)


def test_of_a_bare_machine():
    done = doctor(within=apart("/sys/kernel/tracing", "/sys/kernel/security", "/sys/fs/cgroup"))
    check("doctor-bare", done.stdout)
    assert done.returncode == 0, "all of it are warnings"


def test_a_wrong_configuration(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("runqlat:\n  enabeld: false\nbuffers:\n  ring: 3MiB\n")
    done = doctor("--config", path, environment={"OTEL_METRIC_EXPORT_INTERVAL": "10s"},
                  within=apart())
    assert done.returncode == 3
    check("doctor-configuration", section(done.stdout, "configuration").replace(str(path), "FILE"))
    path.write_text("runqlat:\n  enabled: false\nhooks: compatible\nbuffer: perf\n")
    done = doctor("--config", path, environment={"OTEL_METRIC_EXPORT_INTERVAL": "10s"},
                  within=apart())
    assert done.returncode == 0
    check("doctor-compatible", done.stdout.replace(str(path), "FILE"))


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every POST with the status that its path names."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = int(re.search(r"/(\d+)/", self.path)[1])
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *unused):
        pass


@contextlib.contextmanager
def served(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
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


def asked(endpoint, code, **variables):
    """What the doctor says of one endpoint for logs; it leaves with `code`."""
    environment = {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": endpoint,
                   **{f"OTEL_EXPORTER_OTLP_{key}": value for key, value in variables.items()}}
    done = doctor(environment=environment, within=apart())
    assert done.returncode == code, done.stdout
    return section(done.stdout, "destinations")


def test_each_fault_of_a_destination(tmp_path):
    told = {}
    with Receiver() as receiver:
        told["it takes http/protobuf"] = asked(f"{receiver.http_endpoint}/v1/logs", 0)
        told["it takes http/json, compressed"] = asked(
            f"{receiver.http_endpoint}/v1/logs", 0, PROTOCOL="http/json", COMPRESSION="gzip")
        told["it takes grpc"] = asked(receiver.grpc_endpoint, 0, PROTOCOL="grpc")
        told["it takes grpc, compressed"] = asked(
            receiver.grpc_endpoint, 0, PROTOCOL="grpc", COMPRESSION="gzip")
    told["its certificate cannot be read"] = asked(
        "https://127.0.0.1:1", 1, CERTIFICATE="/no/such.pem")
    told["the name is not known"] = asked("http://nowhere.invalid:4318", 1)
    told["nothing listens"] = asked(f"http://127.0.0.1:{closed_port()}", 1)
    with silent() as port:
        told["it says nothing"] = asked(f"http://127.0.0.1:{port}", 1, TIMEOUT="1000")
    with served() as port:
        for status in (400, 401, 404, 415, 503):
            told[f"it answers {status}"] = asked(
                f"http://127.0.0.1:{port}/{status}/", 0 if status == 503 else 1)
        told["it speaks no TLS"] = asked(f"https://127.0.0.1:{port}/200/", 1)
        told["it speaks no gRPC"] = asked(f"http://127.0.0.1:{port}", 1, PROTOCOL="grpc")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with served(context) as port:
        told["nobody trusts its certificate"] = asked(f"https://127.0.0.1:{port}/200/", 1)
    with grpc_without_services() as port:
        told["it is another gRPC server"] = asked(f"http://127.0.0.1:{port}", 1, PROTOCOL="grpc")
    check("doctor-destinations",
          "".join(f"# {what}\n{text}" for what, text in told.items()))


def test_of_a_running_agent(tmp_path):
    told = {}
    with program_for_nobody() as program:
        for name, settings in (("an agent", {}), ("one that serves nothing", {"listen": "off"})):
            with Agent(tmp_path, settings) as agent:
                for who, done in (("root", doctor()),
                                  ("nobody", doctor(within=NOBODY, program=program))):
                    told[f"{name}, asked by {who}"] = section(done.stdout, "agent")
                    assert f"with pid {agent.pid}" in done.stdout
    check("doctor-agent", "".join(f"# {what}\n{text}" for what, text in told.items()))


def test_of_an_agent_whose_network_is_another(tmp_path):
    with Agent(tmp_path, {"listen": "127.0.0.1:9464"}, ready=False,
               wrapper=["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
               ) as agent:
        eventually(lambda: "msg=started" in agent.log, 15, lambda: agent.log)
        done = doctor()
        assert "http://127.0.0.1:9464/metrics does not answer here" in done.stdout
        assert "apus.process.exec to metrics: " in done.stdout and done.returncode == 0
