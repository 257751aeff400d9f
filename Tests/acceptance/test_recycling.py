# SPDX-License-Identifier: Apache-2.0
"""The path from the ring to sealed batches allocates nothing once it is warm, and is fast."""
import json
import re
import subprocess

import pytest

from workloads import BUILT, ROOT

BENCH = ROOT / ".build/release/apus-bench"
MORE_MAX = 16


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """A library that counts the allocations of a process that it is preloaded into."""
    library = tmp_path_factory.mktemp("native") / "malloc_count.so"
    subprocess.run(["clang-14", "-shared", "-fPIC", "-O2", "-o", library,
                    ROOT / "Tests/native/malloc_count.c"], check=True)
    return library


def measured(counter, cgroup, mode, count, *options):
    """(allocations of the whole process, what the bench printed); nobody else's executions."""
    done = subprocess.run(
        ["sh", "-c", 'echo $$ >"$0" && LD_PRELOAD="$1" && export LD_PRELOAD && shift && exec "$@"',
         cgroup.procs, counter, BENCH, mode, str(count), "--json", "--cgroup", cgroup.path,
         "--program", BUILT / "leaf", *map(str, options)],
        capture_output=True, text=True, timeout=120, env={})
    assert done.returncode == 0, done.stderr
    return int(re.findall(r"^malloc_count: (\d+)$", done.stderr, re.M)[-1]), json.loads(done.stdout)


@pytest.mark.parametrize("hold", [0, 8], ids=["dropped at once", "eight kept in a queue"])
def test_a_hundred_thousand_records_more_allocate_nothing(counter, cgroup, figures, hold):
    # Copies of one real exec and one real exit, given to the sink as the ring's reader gives them.
    few, warm = measured(counter, cgroup, "feed", 10_000, "--hold", hold)
    many, result = measured(counter, cgroup, "feed", 110_000, "--hold", hold)
    figures(f"{many - few} allocations for 100,000 records more, "
            f"{result['batches'] - warm['batches']} batches more")
    assert result["records"] == 110_000 and result["batches"] - warm["batches"] > 50
    assert few > 100, "the counter counts"
    assert many - few <= MORE_MAX


def test_twenty_thousand_execs_in_a_real_ring_allocate_nothing(counter, cgroup, figures):
    few, _ = measured(counter, cgroup, "ring", 2_000, "--fills", 1)
    many, result = measured(counter, cgroup, "ring", 20_000, "--fills", 1)
    figures(f"{many - few} allocations for 18,000 execs and exits more; "
            f"{result['ns_per_record']} ns/record, a bare C loop {result['c_ns_per_record']}")
    assert result["records"] == 40_000
    assert many - few <= MORE_MAX
