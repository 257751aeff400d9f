# SPDX-License-Identifier: Apache-2.0
"""`apus config` as programs and editors see it, and what limits and references do to a real agent.
"""
import json
import re

import jsonschema
import pytest
import yaml

from agent import Agent, ROOT, run
from decoded import events_of
from waiting import eventually, free_port

CASES = ROOT / "Tests/ConfigTests/Cases"
REFERENCE = ROOT / "deploy/apus.yaml"
CONFIGURATION = 3


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, which editors and the agent have: `off` and 1:30 are text."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", "[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)


def load(text):
    return yaml.load(text, Loader)


@pytest.fixture(scope="module")
def schema():
    printed = json.loads(run("config", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(printed)
    return jsonschema.Draft202012Validator(printed)


def test_the_schema_takes_the_reference_file_with_and_without_its_comments(schema):
    text = REFERENCE.read_text()
    whole = re.sub(r"^( *)#(?=[a-z])", r"\1", text, flags=re.MULTILINE)
    for version in (text, whole):
        assert list(schema.iter_errors(load(version))) == []
    assert len(load(whole)["export"]) > len(load(text)["export"])


def wrong_files():
    """(YAML, messages) of each case in the table."""
    for case in re.split(r"^##.*\n", (CASES / "wrong-files.txt").read_text(), flags=re.MULTILINE):
        lines = case.splitlines()
        messages = [line[3:] for line in lines if line.startswith("=> ")]
        # Variables of the case, and references, are for whoever follows them.
        if messages and not any(line.startswith("$ ") for line in lines):
            yield "\n".join(line for line in lines if not line.startswith("=> ")), messages


# What no schema can say: it is told a tree, and of one option at a time.
BEYOND = re.compile(r"is not YAML|written twice|anchor|alias|tag \(|second document|does not fit|"
                    r"\$\{|variable|file \"|to grpc|stands without|write both|\"\+256\"|"
                    r"pair \d+ .* control|repeats a header|has no effect")


def test_the_schema_refuses_what_the_agent_refuses(schema):
    refused = 0
    for text, messages in wrong_files():
        if any(BEYOND.search(message) for message in messages):
            continue
        try:
            tree = load(text)
        except yaml.YAMLError:
            continue
        assert not schema.is_valid(tree), text
        refused += 1
    assert refused > 55


@pytest.mark.parametrize("text", [
    "export: { headers: { a: '${file:/x}' } }", "runqlat: { cgroups: '${env:X}' }",
    "listen: '${env:X:-off}'", "listen: off", "listen: '[::1]:0'", "log: { level: '${env:L}' }",
    "export: { queue: 0001MiB, timeout: 0s }", "export:\n  logs:\n", "exec:\n",
    "buffers: { ring: 64KiB, wake_latency: 1ms }",
    "export: { logs: { exporter: [otlp, console] } }",
    "export: { logs: { exporter: 'otlp, console' }, metrics: { exporter: none } }",
    "resource: { attributes: { a: 1, b: true, c: 'x' }, service_name: 5 }",
])
def test_the_schema_takes_what_the_agent_takes(schema, tmp_path, text):
    assert list(schema.iter_errors(load(text))) == []
    path = tmp_path / "apus.yaml"
    path.write_text(text)
    done = run("config", "check", "--config", path, environment={"X": "off", "L": "info"})
    assert "${" in text or done.returncode == 0, done.stderr


def test_check_prints_every_fault_as_an_object(tmp_path):
    path = tmp_path / "apus.yaml"
    path.write_text("exec:\n  args: ful\nlisten: here\ncolour: red\n")
    done = run("config", "check", "--json", "--config", path,
               environment={"OTEL_BLRP_SCHEDULE_DELAY": "soon", "OTEL_LOG_LEVLE": "info"})
    assert done.returncode == CONFIGURATION
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["line"], row["column"], row["key"]) for row in rows
            if row.get("severity") == "error"] == [(2, 9, "exec.args"), (3, 9, "listen"),
                                                    (4, 1, "colour")]
    assert [row["source"] for row in rows if row.get("severity") == "warning"] == [
        "env OTEL_BLRP_SCHEDULE_DELAY", "env OTEL_LOG_LEVLE"]
    assert rows[-1] == {"result": "refused", "errors": 3, "warnings": 2}
    # The same for people, on standard error; and the agent says it too.
    for command in (("config", "check"), ("agent",)):
        said = run(*command, "--config", path)
        assert said.returncode == CONFIGURATION
        assert said.stderr.splitlines() == [f"apus: {row['message']}" for row in rows
                                            if row.get("severity") == "error"]


def test_print_is_one_object_per_option_without_secrets(tmp_path):
    path = tmp_path / "apus.yaml"
    path.write_text("sockets:\n  max: 2048\nexport:\n  endpoint: ${env:COLLECTOR}\n"
                    "  headers: { a: plain }\n")
    done = run("config", "print", "--json", "--config", path,
               environment={"COLLECTOR": "http://hunter2:1"})
    rows = {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["sockets.max"] == {"key": "sockets.max", "value": 2048, "secret": False,
                                   "source": f"{path}:2"}
    assert rows["exec.enabled"]["value"] is True and rows["exec.enabled"]["source"] == "default"
    assert rows["export.endpoint"]["value"] == "***" and rows["export.endpoint"]["secret"]
    assert rows["export.endpoint"]["source"].endswith("${env:COLLECTOR}")
    assert rows["export.headers"]["value"] == {"a": "***"}
    assert rows["export.logs.endpoint"]["value"] is None
    assert "hunter2" not in done.stdout and "plain" not in done.stdout


def test_a_secret_from_a_file_arrives_and_is_told_nowhere(receiver, workloads, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("hunter2xyz\n")
    settings = {"export.endpoint": receiver.http_endpoint, "export.schedule_delay": "50ms",
                "export.headers": {"authorization": f"Bearer ${{file:{secret}}}",
                                   "x-plain": "$${env:HOME}"}, "log.level": "debug"}
    with Agent(tmp_path, settings) as agent:
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: receiver.messages("logs"))
    for request in receiver.requests:
        assert request.headers["authorization"] == "Bearer hunter2xyz"
        assert request.headers["x-plain"] == "${env:HOME}"
    assert "hunter2xyz" not in agent.log


def test_limits_of_batches_and_attributes_hold_when_they_are_set(receiver, workloads, tmp_path):
    environment = {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "5",
                   "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9"}
    program = workloads.marked()
    with Agent(tmp_path, {"exec.args": "full", "export.endpoint": receiver.http_endpoint},
               environment) as agent:
        workloads.storm(program, 100)
        eventually(lambda: agent.ledger("apus.process.exec").rest == 0
                   and agent.ledger("apus.process.exec").produced >= 100)
    sizes = [len(list(events_of([message]))) for message in receiver.messages("logs")]
    assert max(sizes) == 5 and sum(sizes) >= 200
    cut = [event for event in events_of(receiver.messages("logs"), "apus.process.exec")
           if event.get("process.executable.path") == str(program)[:9]]
    assert len(cut) >= 100
    for event in cut:
        assert all(len(argument) <= 9 for argument in event["process.command_args"])
        assert len(event["apus.process.invoked_name"]) == 9 < len(event["log.record.uid"])


def test_limits_of_queue_and_time_hold_when_they_are_set(workloads, tmp_path):
    settings = {"export.endpoint": f"http://127.0.0.1:{free_port()}", "metrics.interval": "200ms",
                "export.schedule_delay": "50ms"}
    environment = {"OTEL_BLRP_MAX_QUEUE_SIZE": "7"}
    with Agent(tmp_path, settings, environment) as agent:
        workloads.storm(workloads.marked(), 100)
        eventually(lambda: agent.ledger("apus.process.exec").dropped.get(
            ("otlp", "queue", "full"), 0) >= 50)
    environment = {"OTEL_BLRP_EXPORT_TIMEOUT": "1", "OTEL_METRIC_EXPORT_TIMEOUT": "1"}
    with Agent(tmp_path, settings, environment) as agent:
        workloads.storm(workloads.marked(), 10)
        eventually(lambda: agent.ledger("apus.process.exec").dropped.get(
            ("otlp", "export", "retries_exhausted"), 0) >= 10)
        eventually(lambda: [value for labels, value in agent.samples(
            "apus_agent_export_batches_total") if value and labels["signal"] == "metrics"
            and labels["outcome"] == "dropped"])


def test_where_prometheus_scrapes_may_be_said_as_for_an_sdk():
    port = free_port()
    done = run("config", "print", "--json",
               environment={"OTEL_EXPORTER_PROMETHEUS_HOST": "localhost",
                            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)})
    rows = {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["listen"]["value"] == f"127.0.0.1:{port}"
    assert "OTEL_EXPORTER_PROMETHEUS_PORT" in rows["listen"]["source"]
