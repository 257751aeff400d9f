# SPDX-License-Identifier: Apache-2.0
"""Quantiles from Prometheus' query API against those of the raw samples.

Two know the truth, on both sides of the kernel: the peer, which lets each connect wait for a time
of its own, spread evenly over five powers of two, and the caller, whose clock includes its own
waits for a CPU. What the kernel measured lies between them.
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

    def quantiles(self, cgroup):
        """As each of the two tells them."""
        labels = f'{{process_linux_cgroup="/{cgroup.name}"}}'
        native, classic = f"{NAME}{labels}", f"{NAME}_bucket{labels}"
        for prometheus, count in ((self.native, f"histogram_count({native})"),
                                  (self.classic, f"{NAME}_count{labels}")):
            eventually(lambda: [COUNT] == [value for _, value in prometheus.query(count)], 30)
        # One that takes native histograms takes no classic ones, and the other has no native ones.
        assert self.native.query(classic) == [] and self.classic.query(native) == []
        return [[prometheus.query(f"histogram_quantile({fraction}, {series})")[0][1]
                 for fraction in QUANTILES]
                for prometheus, series in ((self.native, native), (self.classic, classic))]

    def close(self):
        self.native.close()
        self.classic.close()
        self.agent.stop()


def test_quantiles_are_those_of_the_raw_samples(tmp_path, cgroup, figures):
    scraped = Scraped(tmp_path, {"prometheus.buckets_per_power": 8})
    try:
        took = connect_slowly(cgroup)
        peer = [SHORTEST * (LONGEST / SHORTEST) ** fraction for fraction in QUANTILES]
        caller = [quantile(took, fraction) for fraction in QUANTILES]
        for kind, found in zip(("native", "classic"), scraped.quantiles(cgroup)):
            rows = list(zip(QUANTILES, found, peer, caller))
            shown = ", ".join(f"{fraction}: {value / least - 1:+.1%} and {value / most - 1:+.1%}"
                              for fraction, value, least, most in rows)
            figures(f"{kind}: off what the peer and the caller of {COUNT} connects know by {shown}")
            for _, value, least, most in rows:
                assert least * (1 - 0.044) < value < most * (1 + 0.044)
    finally:
        scraped.close()
