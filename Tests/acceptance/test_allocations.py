# SPDX-License-Identifier: Apache-2.0
"""Reading and encoding allocate nothing per record: counted by a preloaded malloc.

What is left is per batch (its index, its request, libcurl's), so ten times the records in batches
of the same size may cost only what their batches cost; the encoder alone costs nothing at all.
"""
import re
import subprocess

import pytest

from agent import ENVIRONMENT, SANITIZED, Agent
from decoded import events_of
from waiting import eventually
from workloads import ROOT

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer has a malloc of its own")


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    library = tmp_path_factory.mktemp("malloc") / "malloc_count.so"
    subprocess.run(["clang-14", "-shared", "-fPIC", "-O2", ROOT / "Tests/native/malloc_count.c",
                    "-o", library], check=True)
    return {"LD_PRELOAD": str(library)}


def counted(text):
    return int(re.findall(r"malloc_count: (\d+)", text)[-1])


def test_the_encoder_allocates_nothing_per_record(counter, figures):
    def allocations(records):
        done = subprocess.run([ROOT / ".build/release/apus-bench", str(records), "1"],
                              env={**ENVIRONMENT, **counter}, capture_output=True, text=True,
                              check=True)
        batches = sum(int(found) for found in re.findall(r"(\d+) batches", done.stdout))
        return counted(done.stderr), batches

    few, few_batches = allocations(10_000)
    many, many_batches = allocations(110_000)
    figures(f"10,000 records: {few} allocations, 110,000: {many}, "
            f"{many_batches - few_batches} batches more")
    # A batch is the unit of allocation; a hundred thousand records are not.
    assert many - few <= 16 * (many_batches - few_batches)
    assert many - few < 100_000 / 5


def test_the_agent_allocates_nothing_per_record(counter, workloads, tmp_path, receiver, figures):
    def allocations(count):
        # Nothing asks for pages meanwhile, and the receiver says when all is there.
        first = len(receiver.requests)
        agent = Agent(tmp_path, {"export.endpoint": receiver.http_endpoint, "listen": "off",
                                 "buffers.ring": "8MiB", "export.queue": "64MiB"}, counter)
        program = workloads.marked()
        workloads.storm(program, count)
        eventually(lambda: sum(
            event.get("process.executable.path") == str(program) for event in
            events_of(receiver.messages("logs"), "apus.process.exec")) == count, 60)
        agent.stop()
        return counted(agent.log), len(receiver.requests) - first

    few, few_requests = allocations(1_000)
    many, many_requests = allocations(26_000)
    records, requests = 2 * 25_000, many_requests - few_requests
    figures(f"{records} records more: {many - few} allocations in {requests} requests more")
    # Ticks of the sampler and requests allocate; records do not.
    assert many - few < records / 5


def test_a_scrape_allocates_no_more_than_once_for_each_series(counter, figures):
    done = subprocess.run([ROOT / ".build/release/apus-bench", "scrape", "2000", "--mark"],
                          env={**ENVIRONMENT, **counter}, capture_output=True, text=True,
                          check=True)
    counts = [int(found) for found in re.findall(r"malloc_count: (\d+)", done.stderr)]
    # Three forms, each with gzip and without, nine times each, between two marks.
    assert len(counts) >= 2 * 9 * 6
    scrapes = [end - begin for begin, end in zip(counts[0:108:2], counts[1:108:2])]
    warm = [scrapes[first + 1:first + 9] for first in range(0, 54, 9)]
    worst = max(max(form) for form in warm)
    figures(f"2000 series: {worst} allocations for a page; {done.stdout.splitlines()[2:]}")
    # A histogram's counts are an array of their own, and few sums are written without a string.
    assert worst <= 2000
