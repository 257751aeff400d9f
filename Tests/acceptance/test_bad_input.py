# SPDX-License-Identifier: Apache-2.0
"""Each mistake gets the message that says what would be right, and its documented exit code."""
import os
import re
import socket
import subprocess

import pytest

from agent import APUS, Agent, ENVIRONMENT, run
from waiting import eventually

FAILURE, USAGE, CONFIGURATION, UNAVAILABLE = 1, 2, 3, 4

COMMAND_LINES = [
    # (what is typed, the first line of the answer)
    ("", "no command given; write one such as 'apus agent' or see 'apus help'"),
    ("frobnicate", "unknown command frobnicate; see 'apus help'"),
    ("agnet", "unknown command agnet; did you mean agent?"),
    ("agent --frobnicate", "unknown option --frobnicate; see 'apus agent --help'"),
    ("agent --lisen off", "unknown option --lisen; did you mean --listen?"),
    ("agent --listen", "option --listen needs an argument; write --listen ADDR:PORT"),
    ("agent --listen nonsense",
     'option --listen: "nonsense" is not an address and port; write ADDRESS:PORT such as '
     "127.0.0.1:9464, or off"),
    ("agent --listen 127.0.0.1:99999",
     "option --listen: port 99999 is out of range; write a port from 0 to 65535"),
    ("agent --listen=off --listen=off", "option --listen is given twice; give it once"),
    ("agent stray", "unexpected argument stray; write --config stray if that is the configuration"),
    ("runqlat x", 'INTERVAL: "x" is not a whole number; write a whole number from 1 to 86400'),
    ("runqlat 0", 'INTERVAL: "0" is out of range; write a whole number from 1 to 86400'),
    ("runqlat 1 -5", "unknown option -5; see 'apus runqlat --help'"),
    ("runqlat 1 2 3", "unexpected argument 3; see 'apus runqlat --help'"),
    ("runqlat -p abc",
     'option -p: "abc" is not a whole number; write a whole number from 1 to 4194304'),
    ("runqlat -P -L", "options --pids and --tids exclude each other; give one"),
    ("runqlat -m --exponential",
     "options --exponential and --milliseconds exclude each other; give one"),
    ("runqlat -c /nowhere",
     "/nowhere is no cgroup; give a directory below a cgroup mount, such as "
     "/sys/fs/cgroup/system.slice"),
    ("execsnoop -u abc",
     'option -u: "abc" is not a whole number; write a whole number from 0 to 4294967294'),
    ("execsnoop --max-args=-1",
     'option --max-args: "-1" is not a whole number; write a whole number from 1 to 4096'),
    ("execsnoop --max-args", "option --max-args needs an argument; write --max-args COUNT"),
    ("doctor --yaml", "unknown option --yaml; see 'apus doctor --help'"),
    ("version extra", "unexpected argument extra; see 'apus version --help'"),
    ("config",
     "config needs one of its commands; write 'apus config check' or 'apus config print' or "
     "'apus config schema'"),
    ("completion tcsh", 'SHELL: "tcsh" is not one of the choices; write bash, zsh or fish'),
    ("--frob", "unknown option --frob; see 'apus help'"),
]


@pytest.mark.parametrize("typed, message", COMMAND_LINES, ids=[row[0] for row in COMMAND_LINES])
def test_a_wrong_command_line_is_refused_with_what_would_be_right(typed, message):
    done = run(*typed.split())
    first, *rest = done.stderr.splitlines()
    assert first == f"apus: {message}"
    assert (done.returncode, done.stdout) == (USAGE, "")
    # At most one more line, which says where help is.
    assert all(line.startswith("apus: see") for line in rest) and len(rest) <= 1


CONFIGURATIONS = [
    # (text, line:column or "", what the message must say)
    ("exec:\n  args: most\n", "2", r"exec\.args.*most.*full.*redacted.*none"),
    ("exec:\n  arg: full\n", "2", r"exec\.arg: unknown key; did you mean.*args"),
    ("exec:\n  failed: maybe\n", "2", r"exec\.failed.*maybe.*true or false"),
    ("buffers:\n  ring: 100KB\n", "2", r"buffers\.ring.*100KB"),
    ("buffers:\n  ring: 1KiB\n", "2", r"buffers\.ring.*1KiB.*64KiB"),
    ("buffers:\n  ring: 65537\n", "2", r"buffers\.ring.*power"),
    ("export:\n  endpoint: ftp://x\n", "2", r"export\.endpoint.*ftp.*http"),
    ("export:\n  protocol: thrift\n", "2", r"export\.protocol.*thrift.*grpc"),
    ("metrics:\n  interval: 5\n", "2", r"metrics\.interval"),
    ("listen: here\n", "1", r"listen.*here"),
    ("exec: [full]\n", "1", r"exec"),
    ("exec:\n  args: full\nexec:\n  args: none\n", "3", r"exec.*twice.*line 1"),
    ("exec: &a\n  args: full\n", "1", r"anchor"),
    ("exec:\n\targs: full\n", "2", r"YAML"),
    ("log:\n  level: loud\n", "2", r"log\.level.*loud.*debug"),
]


@pytest.mark.parametrize("text, line, message", CONFIGURATIONS,
                         ids=[repr(text) for text, _, _ in CONFIGURATIONS])
def test_a_wrong_configuration_is_refused_with_its_place(tmp_path, text, line, message):
    path = tmp_path / "apus.yaml"
    path.write_text(text)
    done = run("agent", "--config", path)
    assert done.returncode == CONFIGURATION
    assert f"{path}:{line}:" in done.stderr, done.stderr
    assert re.search(message, done.stderr), done.stderr


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    done = run("agent", "--config", tmp_path / "none.yaml")
    assert done.returncode == CONFIGURATION
    assert "none.yaml" in done.stderr and "No such file" in done.stderr


def test_a_port_in_use_is_named_with_its_remedy(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("agent", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == FAILURE
    assert str(port) in done.stderr and "in use" in done.stderr
    assert "--listen" in done.stderr


@pytest.mark.parametrize("path", ["/proc/none/out.json", "/no/such/directory/out.json", "/"])
def test_a_file_that_cannot_be_written_is_named(path):
    done = run("agent", "--listen", "off", "--otlp-file", path)
    assert done.returncode == FAILURE
    assert path in done.stderr, done.stderr


ENVIRONMENTS = [
    # What is malformed is said, and running goes on with the default.
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "1.5"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "99999999999999999999"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "x"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-sign"),
    ("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad"),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=%zz"),
    ("OTEL_LOGS_EXPORTER", "smoke-signals"),
    ("OTEL_LOG_LEVEL", "loud"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "perhaps"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url"),
]


@pytest.mark.parametrize("name, value", ENVIRONMENTS,
                         ids=[f"{name}={value}" for name, value in ENVIRONMENTS])
def test_a_malformed_variable_is_reported_and_running_goes_on(tmp_path, name, value):
    with Agent(tmp_path, environment={name: value}) as agent:
        eventually(lambda: name in agent.log, 5, lambda: agent.log)
        line = next(line for line in agent.log.splitlines() if name in line)
        assert "level=warn" in line
    assert agent.process.returncode == 0


def test_one_bad_pair_discards_all_resource_attributes(receiver, tmp_path):
    from decoded import points_of
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "team=one,bad",
                   "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    with Agent(tmp_path, {"metrics.interval": "300ms"}, environment):
        eventually(lambda: receiver.messages("metrics"))
    for point in points_of(receiver.messages("metrics"), "apus.agent.events.produced"):
        assert "team" not in point.resource


@pytest.mark.parametrize("command", [["execsnoop"], ["runqlat", "1", "1"], ["agent"]])
def test_without_privilege_one_line_names_what_is_missing(tmp_path, command):
    # Root without capabilities, so that files can still be read.
    drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    done = subprocess.run([*drop, APUS, *command], env=ENVIRONMENT, capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == UNAVAILABLE
    assert re.search(r"CAP_(BPF|PERFMON|SYS_ADMIN)", done.stderr), done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr


def test_a_kernel_without_btf_is_named(tmp_path):
    script = f'mount --bind {tmp_path} /sys/kernel/btf && exec "$0" agent --listen off'
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script,
                           APUS], env=ENVIRONMENT, capture_output=True, text=True, timeout=20)
    assert done.returncode == UNAVAILABLE
    assert "BTF" in done.stderr and "/sys/kernel/btf/vmlinux" in done.stderr, done.stderr


def test_a_closed_standard_output_ends_a_tool_quietly(workloads):
    read, write = os.pipe()
    process = subprocess.Popen([APUS, "execsnoop"], env=ENVIRONMENT, stdout=write,
                               stderr=subprocess.PIPE, text=True)
    os.close(write)
    os.close(read)
    try:
        eventually(lambda: workloads.storm(workloads.marked(), 5) and process.poll() is not None,
                   15)
    finally:
        if process.poll() is None:
            process.kill()
    assert "rash" not in process.communicate()[1]
