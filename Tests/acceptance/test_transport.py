# SPDX-License-Identifier: Apache-2.0
"""How OTLP travels: JSON, gzip, TLS, proxies, sockets, and the bounds of a request."""
import os
import re
import subprocess

import pytest

from agent import Agent
from decoded import events_of, points_of
from receiver import Fault, Receiver
from relay import Certificates, Proxy, Relay
from waiting import eventually

PROTOCOLS = ["http/protobuf", "http/json", "grpc"]
PREFIX = "OTEL_EXPORTER_OTLP_"
QUICK = {"exec.args": "full", "export.schedule_delay": "50ms", "metrics.interval": "500ms",
         "runqlat.enabled": False, "tcpconnect.enabled": False, "tcpretrans.enabled": False,
         "biolatency.enabled": False}


def quick(**more):
    return {**QUICK, **{key.replace("__", "."): value for key, value in more.items()}}


def paths(receiver):
    return {event.get("process.executable.path")
            for event in events_of(receiver.messages("logs"), "apus.process.exec")}


def check_arrival(agent, receiver, workloads, seconds=15):
    program = workloads.marked()
    workloads.storm(program, 3)
    eventually(lambda: str(program) in paths(receiver), seconds, lambda: agent.log)


def lost(agent, reason):
    return sum(agent.ledger(event).dropped.get(("otlp", "export", reason), 0)
               for event in ("apus.process.exec", "apus.process.exit"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_gzip_makes_requests_small(receiver, workloads, tmp_path, figures, protocol):
    environment = {PREFIX + "COMPRESSION": "gzip", PREFIX + "PROTOCOL": protocol,
                   PREFIX + "ENDPOINT": receiver.endpoint(protocol)}
    program = workloads.marked()
    with Proxy() as proxy:
        settings = quick(export__proxy=f"http://127.0.0.1:{proxy.port}",
                         export__schedule_delay="1h", metrics__interval="1h")
        with Agent(tmp_path, settings, environment) as agent:
            workloads.storm(program, 230)
            eventually(lambda: agent.ledger("apus.process.exit").produced >= 230)
        events = [event for event in events_of(receiver.messages("logs"), "apus.process.exec")
                  if event.get("process.executable.path") == str(program)]
        size = sum(message.ByteSize() for message in receiver.messages("logs"))
        size += sum(message.ByteSize() for message in receiver.messages("metrics"))
    assert len(events) == 230
    assert {request.protocol for request in receiver.requests} == {protocol}
    figures(f"{size} bytes of protobuf, {proxy.sent} bytes sent")
    assert proxy.sent < size / 4
    if protocol != "grpc":
        for request in receiver.requests:
            assert request.headers["content-encoding"] == "gzip"
            assert request.headers["content-type"] == {
                "http/json": "application/json"}.get(protocol, "application/x-protobuf")


def test_json_is_what_protobuf_would_be(receiver, workloads, tmp_path):
    with Agent(tmp_path, quick(export__endpoint=receiver.http_endpoint,
                               export__protocol="http/json", runqlat__enabled=True)) as agent:
        check_arrival(agent, receiver, workloads)
        eventually(lambda: list(points_of(receiver.messages("metrics"),
                                          "apus.cpu.runqueue.latency")), 10, lambda: agent.log)
    assert {request.protocol for request in receiver.requests} == {"http/json"}
    assert {request.path for request in receiver.requests} == {"/v1/logs", "/v1/metrics"}
    for event in events_of(receiver.messages("logs")):
        assert event.scope.name and event.scope.version
        assert event.schema_url.startswith("https://opentelemetry.io/schemas/1.")


def test_answers_in_json_are_understood(receiver, workloads, tmp_path):
    receiver.always = Fault(rejected=1, message="one of them is too old")
    with Agent(tmp_path, quick(export__endpoint=receiver.http_endpoint, metrics__interval="1h",
                               export__protocol="http/json")) as agent:
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: "one of them is too old" in agent.log, 10, lambda: agent.log)
        receiver.always = Fault(status=400, message="no such tenant")
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: "no such tenant" in agent.log, 10, lambda: agent.log)
        for reason in ("partial_success", "refused"):
            eventually(lambda: lost(agent, reason) > 0, 10, lambda: agent.log)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_independent_collector_takes_gzip_behind_mutual_tls(
        receiver, collector, workloads, tmp_path, protocol):
    made = Certificates(tmp_path / "tls")
    certificate, key, serial = made.client_files()
    target = collector.grpc_port if protocol == "grpc" else collector.http_port
    with Relay(target, made.server_context()) as relay:
        environment = {
            PREFIX + "ENDPOINT": f"https://127.0.0.1:{relay.port}", PREFIX + "PROTOCOL": protocol,
            PREFIX + "COMPRESSION": "gzip", PREFIX + "CERTIFICATE": made.authority_file(),
            PREFIX + "CLIENT_CERTIFICATE": certificate, PREFIX + "CLIENT_KEY": key}
        with Agent(tmp_path, quick(), environment) as agent:
            check_arrival(agent, receiver, workloads)
            eventually(lambda: receiver.messages("metrics"), 10, lambda: agent.log)
        for alpn, version, shown in relay.handshakes:
            assert alpn == ("h2" if protocol == "grpc" else "http/1.1")
            assert version in ("TLSv1.2", "TLSv1.3") and shown == serial
        # TLS connections are kept, those of gRPC for both signals.
        assert len(relay.handshakes) <= 2


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_certificates_are_rotated_while_the_agent_runs(receiver, workloads, tmp_path, protocol):
    made = Certificates(tmp_path / "tls")
    certificate, key, expired = made.client_files(expired=True)
    target = receiver.grpc_port if protocol == "grpc" else receiver.http_port
    with Relay(target, made.server_context()) as relay:
        settings = quick(export__protocol=protocol,
                         export__endpoint=f"https://127.0.0.1:{relay.port}",
                         export__certificate=made.authority_file(),
                         export__client_certificate=certificate, export__client_key=key)
        with Agent(tmp_path, settings) as agent:
            workloads.storm(workloads.marked(), 3)
            eventually(lambda: relay.failures and "will retry" in agent.log, 10, lambda: agent.log)
            assert not receiver.requests
            _, _, serial = made.client_files()
            check_arrival(agent, receiver, workloads)
            assert {shown for _, _, shown in relay.handshakes} == {serial}
            # A certificate that is still good is replaced too, and the connections with it.
            _, _, serial = made.client_files()
            eventually(lambda: relay.handshakes[-1][2] == serial, 10, lambda: agent.log)
            # Another authority on both sides.
            made.authority = type(made.authority)()
            made.client_files()
            relay.context = made.server_context()
            made.authority_file()
            before = len(relay.handshakes)
            eventually(lambda: len(relay.handshakes) > before, 20, lambda: agent.log)
            check_arrival(agent, receiver, workloads)
    assert receiver.errors == []


def last_token(receiver, signal):
    return [request.headers["authorization"] for request in receiver.requests
            if request.signal == signal][-1]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_token_in_a_file_is_renewed_while_the_agent_runs(
        receiver, workloads, tmp_path, protocol):
    token = tmp_path / "token"
    token.write_text("first-token\n")
    port = receiver.grpc_port if protocol == "grpc" else receiver.http_port
    settings = quick(export__protocol=protocol, export__endpoint=f"http://127.0.0.1:{port}",
                     export__headers={"authorization": f"Bearer ${{file:{token}}}"})
    with Agent(tmp_path, settings) as agent:
        check_arrival(agent, receiver, workloads)
        shown = {request.headers["authorization"] for request in receiver.requests}
        assert shown == {"Bearer first-token"}
        # Replaced as Kubernetes does it: another file under the name.
        (tmp_path / "next").write_text("second-token\n")
        (tmp_path / "next").rename(token)
        # Logs and metrics look each for themselves, when they have something to send.
        for signal in ("logs", "metrics"):
            eventually(lambda: workloads.storm(workloads.marked(), 1)
                       and last_token(receiver, signal) == "Bearer second-token",
                       15, lambda: agent.log)
        token.write_text("")
        check_arrival(agent, receiver, workloads)
        eventually(lambda: "cannot read a header" in agent.log, 10, lambda: agent.log)
        for signal in ("logs", "metrics"):
            assert last_token(receiver, signal) == "Bearer second-token"
        assert "-token" not in agent.log
    assert receiver.errors == []


def test_an_unknown_authority_gets_nothing(receiver, workloads, tmp_path):
    made, other = Certificates(tmp_path / "tls"), Certificates(tmp_path / "other")
    with Relay(receiver.http_port, other.server_context(asks=False)) as relay:
        missing = tmp_path / "tls" / "ca.pem"
        environment = {PREFIX + "ENDPOINT": f"https://127.0.0.1:{relay.port}",
                       PREFIX + "CERTIFICATE": str(missing)}
        with Agent(tmp_path, quick(), environment) as agent:
            workloads.storm(workloads.marked(), 3)
            eventually(lambda: f"{missing}: " in agent.log, 10, lambda: agent.log)
            assert f"env {PREFIX}CERTIFICATE" in agent.log
            made.authority_file()
            eventually(lambda: "certificate" in agent.log and relay.failures, 10,
                       lambda: agent.log)
            assert not receiver.requests
            # The right one.
            made.authority = other.authority
            made.authority_file()
            check_arrival(agent, receiver, workloads)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_tls_is_never_older_than_1_2(receiver, workloads, tmp_path, protocol):
    made = Certificates(tmp_path / "tls")
    # Debian's OpenSSL refuses TLS 1.1 by itself; a host may be configured otherwise, as here.
    lax = tmp_path / "openssl.cnf"
    lax.write_text("openssl_conf = all\n[all]\nssl_conf = modules\n[modules]\n"
                   "system_default = lax\n[lax]\nMinProtocol = TLSv1\n"
                   "CipherString = ALL:@SECLEVEL=0\n")
    environment = {"OPENSSL_CONF": str(lax), PREFIX + "PROTOCOL": protocol,
                   PREFIX + "CERTIFICATE": made.authority_file()}
    target = receiver.grpc_port if protocol == "grpc" else receiver.http_port
    with Relay(target, made.old_server_context()) as relay:
        # So configured, a client that would take TLS 1.1 gets it.
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{relay.port}"],
                       env={**os.environ, **environment}, stdin=subprocess.DEVNULL, check=True,
                       capture_output=True)
        assert [version for _, version, _ in relay.handshakes] == ["TLSv1.1"]
        environment[PREFIX + "ENDPOINT"] = f"https://127.0.0.1:{relay.port}"
        with Agent(tmp_path, quick(), environment) as agent:
            workloads.storm(workloads.marked(), 3)
            eventually(lambda: relay.failures and "will retry" in agent.log, 10, lambda: agent.log)
        assert len(relay.handshakes) == 1 and not receiver.requests
        # The same ends agree on what is new enough.
        relay.context = made.server_context(asks=False)
        with Agent(tmp_path, quick(), environment) as agent:
            check_arrival(agent, receiver, workloads)
        assert relay.handshakes[-1][1] == "TLSv1.3"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_authorities_of_ones_own_are_the_only_ones(receiver, workloads, tmp_path, protocol):
    made, system = Certificates(tmp_path / "tls"), Certificates(tmp_path / "system")
    # libcurl has a file and a directory by default.
    system.write("ca-certificates.crt", system.authority.cert_pem.bytes())
    system.authority_file()
    subprocess.run(["openssl", "rehash", tmp_path / "system"], check=True, capture_output=True)
    wrapper = ["unshare", "--mount", "sh", "-c",
               f"mount --bind {tmp_path}/system /etc/ssl/certs && exec \"$@\"", "sh"]
    target = receiver.grpc_port if protocol == "grpc" else receiver.http_port
    with Relay(target, system.server_context(asks=False)) as relay:
        environment = {PREFIX + "ENDPOINT": f"https://127.0.0.1:{relay.port}",
                       PREFIX + "PROTOCOL": protocol}
        own = {PREFIX + "CERTIFICATE": made.authority_file()}
        with Agent(tmp_path, quick(), {**environment, **own}, wrapper=wrapper) as agent:
            workloads.storm(workloads.marked(), 3)
            eventually(lambda: relay.failures and "will retry" in agent.log, 10, lambda: agent.log)
        assert not receiver.requests and not relay.handshakes
        with Agent(tmp_path, quick(), environment, wrapper=wrapper) as agent:
            check_arrival(agent, receiver, workloads)


def test_a_certificate_of_the_configuration_must_be_there(tmp_path):
    agent = Agent(tmp_path, quick(export__endpoint="https://127.0.0.1:1",
                                  export__certificate=str(tmp_path / "none.pem")), ready=False)
    assert agent.process.wait(10) == 3
    assert re.search(r"yaml:\d+:\d+: export.certificate: \".*\" cannot be read \(No such "
                     r"file or directory\); give a file that this user may read", agent.log)


def test_proxies_of_the_environment_are_used(receiver, workloads, tmp_path):
    made = Certificates(tmp_path / "tls")
    with Proxy() as proxy, Relay(receiver.http_port, made.server_context(asks=False)) as relay:
        address = f"http://user:secret@127.0.0.1:{proxy.port}"
        environment = {"http_proxy": address, "https_proxy": address,
                       PREFIX + "METRICS_CERTIFICATE": made.authority_file(),
                       PREFIX + "METRICS_ENDPOINT": f"https://127.0.0.1:{relay.port}/v1/metrics",
                       PREFIX + "LOGS_ENDPOINT": f"{receiver.http_endpoint}/v1/logs"}
        with Agent(tmp_path, quick(), environment) as agent:
            check_arrival(agent, receiver, workloads)
            eventually(lambda: receiver.messages("metrics"), 10, lambda: agent.log)
        secret = "dXNlcjpzZWNyZXQ="
        assert set(proxy.asked) == {
            ("CONNECT", f"127.0.0.1:{relay.port}", secret),
            ("POST", f"{receiver.http_endpoint}/v1/logs", secret)}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_proxy_by_name_beats_those_of_the_environment(receiver, workloads, tmp_path, protocol):
    environment = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}
    with Proxy() as proxy:
        settings = quick(export__endpoint=receiver.endpoint(protocol), export__protocol=protocol,
                         export__proxy=f"http://127.0.0.1:{proxy.port}")
        with Agent(tmp_path, settings, environment) as agent:
            check_arrival(agent, receiver, workloads)
        assert {method for method, _, _ in proxy.asked} == {
            "CONNECT" if protocol == "grpc" else "POST"}


def test_off_is_no_proxy(receiver, workloads, tmp_path):
    settings = quick(export__endpoint=receiver.http_endpoint, export__proxy="off")
    with Agent(tmp_path, settings, {"http_proxy": "http://127.0.0.1:1"}) as agent:
        check_arrival(agent, receiver, workloads)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sockets_of_the_host_are_endpoints(workloads, tmp_path, protocol):
    with Receiver(sockets=tmp_path) as receiver:
        socket = receiver.grpc_socket if protocol == "grpc" else receiver.http_socket
        environment = {PREFIX + "ENDPOINT": f"unix://{socket}", PREFIX + "PROTOCOL": protocol,
                       "http_proxy": "http://127.0.0.1:1"}
        with Agent(tmp_path, quick(), environment) as agent:
            check_arrival(agent, receiver, workloads)
            eventually(lambda: receiver.messages("metrics"), 10, lambda: agent.log)
        assert {request.protocol for request in receiver.requests} == {protocol}
        if protocol != "grpc":
            assert {request.path for request in receiver.requests} == {"/v1/logs", "/v1/metrics"}
        assert receiver.errors == []


def test_a_request_that_is_too_large_is_dropped_and_counted(receiver, workloads, tmp_path):
    # A batch is sealed when it has this size, so a full one is always larger.
    settings = quick(export__endpoint=receiver.http_endpoint, export__batch_bytes="256KiB",
                     export__max_request_bytes="256KiB", metrics__interval="1h", exec__args="none",
                     export__schedule_delay="3s")
    with Agent(tmp_path, settings) as agent:
        workloads.storm(workloads.marked(), 2300)
        eventually(lambda: lost(agent, "too_large") > 0, 10, lambda: agent.log)
        # What is left of those may be too large as well, or nothing.
        eventually(lambda: agent.ledger("apus.process.exec").rest == 0, 20, lambda: agent.log)
        before = len(receiver.messages("logs"))
        workloads.storm(workloads.marked(), 23)
        eventually(lambda: len(receiver.messages("logs")) > before, 30, lambda: agent.log)
        eventually(lambda: agent.ledger("apus.process.exec").rest == 0, 10, lambda: agent.log)
    assert "is larger than 262144 bytes" in agent.log
    assert all(request.size <= 262144 for request in receiver.requests)
