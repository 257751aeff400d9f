# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping where something is missing, closed, stuck, moved or renumbered."""
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

import pytest

from agent import SANITIZED, Agent
from waiting import eventually

GIB = 1 << 30
FAST = {"export.schedule_delay": "50ms", "buffers.wake_latency": "10ms"}


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs terabytes of addresses")
def test_without_room_for_a_thread_it_ends(tmp_path):
    def limit():
        # The stack of the third thread does not fit.
        resource.setrlimit(resource.RLIMIT_STACK, (4 * GIB, 4 * GIB))
        resource.setrlimit(resource.RLIMIT_AS, (10 * GIB, 10 * GIB))

    agent = Agent(tmp_path, {"listen": "off"}, ready=False, preexec_fn=limit)
    try:
        assert agent.process.wait(10) == 1
        assert "pthread_create" in agent.log
    finally:
        agent.stop()


def test_its_log_goes_into_no_file_of_its_own_when_standard_error_is_closed(tmp_path):
    with Agent(tmp_path, preexec_fn=lambda: os.close(2)) as agent:
        lines = pathlib.Path("/run/apus.pid").read_text().splitlines()
        assert lines == [str(agent.pid), f"127.0.0.1:{agent.port}"]


def test_a_reader_that_reads_no_more_holds_neither_the_work_nor_the_end(
        workloads, receiver, tmp_path):
    reader, writer = os.pipe()
    try:
        with Agent(tmp_path, {**FAST, "export.endpoint": receiver.http_endpoint},
                   arguments=["--otlp-file", "-"], stdout=writer) as agent:
            # Of JSON, more than a pipe holds.
            workloads.storm(workloads.marked(), 300)
            exec_ = "apus.process.exec"
            eventually(lambda: agent.ledger(exec_).delivered.get("otlp", 0) >= 300)
            assert agent.stop(10) == 0, agent.log
            assert "export/shutdown" in agent.log
    finally:
        os.close(reader)
        os.close(writer)


def test_a_file_that_was_moved_away_is_opened_anew(workloads, tmp_path):
    path, first, second = tmp_path / "out.json", workloads.marked(), workloads.marked()
    with Agent(tmp_path, FAST, arguments=["--otlp-file", path]):
        workloads.storm(first, 3)
        eventually(lambda: str(first) in path.read_text())
        path.rename(tmp_path / "out.json.1")
        workloads.storm(second, 3)
        eventually(lambda: path.exists() and str(second) in path.read_text())
    for line in path.read_text().splitlines():
        json.loads(line)


def test_events_are_delivered_to_no_destination_that_takes_none(workloads, receiver, tmp_path):
    environment = {"OTEL_LOGS_EXPORTER": "none"}
    settings = {**FAST, "export.endpoint": receiver.http_endpoint}
    with Agent(tmp_path, settings, environment) as agent:
        workloads.storm(workloads.marked(), 23)
        eventually(lambda: agent.ledger("apus.process.exec").produced >= 23)
        assert set(agent.ledger("apus.process.exec").delivered) == {"metrics"}
    with Agent(tmp_path, settings, environment,
               arguments=["--otlp-file", tmp_path / "out.json"]) as agent:
        workloads.storm(workloads.marked(), 23)
        eventually(lambda: agent.ledger("apus.process.exec").produced >= 23)
        assert set(agent.ledger("apus.process.exec").delivered) == {"file"}


def test_a_look_up_that_hangs_does_not_hold_the_end(tmp_path):
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.77\n")
    script = f'mount --bind {configuration} /etc/resolv.conf && exec "$0" "$@"'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.77", 53))
        agent = Agent(tmp_path, {**FAST, "export.endpoint": "http://collector.example:4318",
                                 "metrics.interval": "100ms"},
                      wrapper=["unshare", "--mount", "sh", "-c", script])
        # It has asked.
        silent.settimeout(10)
        silent.recv(512)
        began = time.monotonic()
        assert agent.stop(20) == 0
        # The last batches have five seconds.
        assert time.monotonic() - began < 7


def self_pids():
    """What the programs that are loaded take for their agent."""
    shown = subprocess.run(["bpftool", "map", "show", "--json"], check=True, capture_output=True)
    for entry in json.loads(shown.stdout):
        if entry.get("name", "").endswith(".knobs"):
            dumped = subprocess.run(["bpftool", "map", "dump", "id", str(entry["id"])],
                                    capture_output=True, text=True).stdout
            for line in dumped.splitlines():
                if '"self_pid"' in line:
                    yield int(line.split(":")[1].strip(" ,"))


def test_in_a_pid_namespace_it_leaves_out_itself_and_nobody_else(tmp_path):
    wrapper = ["unshare", "--pid", "--fork", "--mount-proc"]
    agent = Agent(tmp_path, wrapper=wrapper)
    children = pathlib.Path(f"/proc/{agent.pid}/task/{agent.pid}/children")
    inside = int(children.read_text())
    try:
        assert inside in self_pids()
        # Its number in its own namespace, which is another's outside.
        assert 1 not in self_pids()
    finally:
        os.kill(inside, signal.SIGTERM)
        agent.process.wait(20)
        agent.stop()
