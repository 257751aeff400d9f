# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus scrapes the agent, and its query API returns the known counts."""
import os
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent import Agent
from prometheus import Prometheus
from waiting import eventually, settled


@pytest.fixture
def scraped(tmp_path):
    with Agent(tmp_path) as agent:
        prometheus = Prometheus(tmp_path, f"127.0.0.1:{agent.port}")
        try:
            eventually(lambda: [1.0] == [value for _, value in prometheus.query("up")], 20)
            yield agent, prometheus
        finally:
            prometheus.close()


def total(rows):
    return sum(value for _, value in rows)


def test_the_query_api_returns_the_known_counts(scraped, workloads, cgroup):
    _, prometheus = scraped
    assert workloads.storm(workloads.marked(), 2300, cgroup=cgroup)["executed"] == 2300
    name, label = "apus_process_executions_total", f'process_linux_cgroup="/{cgroup.name}"'
    # Nothing else runs in that cgroup but the storm itself, which is one execution more.
    settled(lambda: prometheus.query(f"{name}{{{label}}}"), 3)
    [(labels, value)] = prometheus.query(f"{name}{{{label}}}")
    assert value == 2301
    assert labels["job"] == "apus" and labels["process_linux_cgroup"] == f"/{cgroup.name}"


def test_histograms_are_whole_in_the_query_api(scraped, workloads):
    agent, prometheus = scraped
    name = "apus_cpu_runqueue_latency_seconds"
    workloads.storm(workloads.marked(), 2300)
    expression = f'sum({name}_bucket{{le="+Inf"}}) - sum({name}_count)'
    rows = eventually(lambda: prometheus.query(expression), 10)
    assert total(rows) == 0
    rows = eventually(lambda: prometheus.query(
        f"histogram_quantile(0.99, sum by (le) ({name}_bucket))"), 10)
    assert 1e-7 < total(rows) < 10


def check_classic(families):
    """Buckets of each series go up, end at +Inf, and that equals the count."""
    for family in families:
        if family.type != "histogram":
            continue
        series, counts = {}, {}
        for sample in family.samples:
            labels = dict(sample.labels)
            le = labels.pop("le", None)
            key = tuple(sorted(labels.items()))
            if sample.name.endswith("_bucket"):
                series.setdefault(key, []).append((float(le), sample.value))
            elif sample.name.endswith("_count"):
                counts[key] = sample.value
        assert set(series) == set(counts)
        for key, buckets in series.items():
            assert buckets == sorted(buckets)
            assert [value for _, value in buckets] == sorted(value for _, value in buckets)
            assert buckets[-1] == (float("inf"), counts[key])


def test_the_text_is_what_parser_and_linter_of_others_accept(tmp_path, workloads):
    with Agent(tmp_path) as agent:
        workloads.storm(workloads.marked(), 230)
        eventually(lambda: agent.samples("apus_process_executions_total"), 3)
        with agent.get("/metrics") as answer:
            text = answer.read().decode()
            kind = answer.headers["Content-Type"]
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        families = list(text_string_to_metric_families(text))
        assert {"apus_process_executions", "apus_cpu_runqueue_latency_seconds",
                "apus_agent_events_produced"} <= {family.name for family in families}
        check_classic(families)
        lint = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                              capture_output=True)
        assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


def test_health_and_readiness_answer(tmp_path):
    with Agent(tmp_path) as agent:
        for path in ("/healthz", "/readyz"):
            with agent.get(path) as answer:
                assert answer.status == 200


def test_listen_off_opens_no_port(tmp_path):
    with Agent(tmp_path, {"listen": "off"}, ready=False) as agent:
        eventually(lambda: len(agent.log) > 0)
        # Sockets of the process: none listens.
        links = [os.readlink(entry) for entry in os.scandir(f"/proc/{agent.pid}/fd")]
        inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
        rows = [line.split() for name in ("tcp", "tcp6")
                for line in open(f"/proc/net/{name}").read().splitlines()[1:]]
        assert not [row for row in rows if row[3] == "0A" and row[9] in inodes]
