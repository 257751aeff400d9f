# SPDX-License-Identifier: Apache-2.0
"""Quantiles from Prometheus' query API against those of the raw samples.

The truth is what the caller of each connect measured itself; the peer answers after times that are
spread evenly over five powers of two, long enough that the caller's own waits for a CPU do not
matter.
"""
import json
import pathlib
import subprocess
import sys

from agent import Agent
from prometheus import Prometheus
from waiting import eventually

HERE = pathlib.Path(__file__).resolve().parent
COUNT, SHORTEST, LONGEST = 1024, 0.028, 0.896
NAME = "apus_tcp_connect_duration_seconds"
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


def connect_slowly(cgroup):
    """How long each connect took."""
    done = subprocess.run(
        ["unshare", "--net", sys.executable, HERE / "slow_peer.py", str(COUNT), str(SHORTEST),
         str(LONGEST)], capture_output=True, text=True, check=True, timeout=60,
        preexec_fn=cgroup.join)
    took = sorted(json.loads(done.stdout))
    assert len(took) == COUNT
    return took


def quantile(ordered, fraction):
    return ordered[min(int(fraction * len(ordered)), len(ordered) - 1)]


class Scraped:
    """An agent, scraped by a Prometheus with native histograms and by one without."""

    def __init__(self, directory, settings):
        self.agent = Agent(directory, settings)
        target = f"127.0.0.1:{self.agent.port}"
        self.native = Prometheus(directory, target, "--enable-feature=native-histograms")
        self.classic = Prometheus(directory, target)

    def worst(self, took, cgroup):
        """The largest relative error of each."""
        labels = f'{{process_linux_cgroup="/{cgroup.name}"}}'
        native, classic = f"{NAME}{labels}", f"{NAME}_bucket{labels}"
        for prometheus, count in ((self.native, f"histogram_count({native})"),
                                  (self.classic, f"{NAME}_count{labels}")):
            eventually(lambda: [COUNT] == [value for _, value in prometheus.query(count)], 30)
        # One that takes native histograms takes no classic ones, and the other has no native ones.
        assert self.native.query(classic) == [] and self.classic.query(native) == []
        worst = []
        for prometheus, series in ((self.native, native), (self.classic, classic)):
            errors = []
            for fraction in QUANTILES:
                [(_, found)] = prometheus.query(f"histogram_quantile({fraction}, {series})")
                errors.append(abs(found / quantile(took, fraction) - 1))
            worst.append(max(errors))
        return worst

    def close(self):
        self.native.close()
        self.classic.close()
        self.agent.stop()


def test_quantiles_are_those_of_the_raw_samples(tmp_path, cgroup, figures):
    scraped = Scraped(tmp_path, {"prometheus.buckets_per_power": 8})
    try:
        took = connect_slowly(cgroup)
        native, classic = scraped.worst(took, cgroup)
        figures(f"{COUNT} connects: quantiles {QUANTILES} off by at most {native:.2%} (native) and "
                f"{classic:.2%} (classic, eight for each power of two)")
        assert native < 0.044 and classic < 0.044
    finally:
        scraped.close()
