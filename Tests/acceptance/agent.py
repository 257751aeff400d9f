# SPDX-License-Identifier: Apache-2.0
"""The agent under test as a subprocess with an environment, a port and a directory of its own."""
import dataclasses
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

import yaml
from prometheus_client.parser import text_string_to_metric_families

from waiting import eventually, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# One that was installed is tested by naming it.
APUS = os.environ.get("APUS", str(ROOT / ".build/release/apus"))
# What carries records out of the kernel in all tests of a run: auto, ring or perf.
BUFFER = os.environ.get("APUS_BUFFER", "auto")
# Nothing of the caller's environment, so that no OTEL_* variable of theirs counts.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
# But where a binary that was built with a sanitizer is to leave what it finds.
ENVIRONMENT |= {name: text for name, text in os.environ.items() if name.endswith("SAN_OPTIONS")}
SANITIZED = "ASAN_OPTIONS" in ENVIRONMENT


def run(*arguments, environment=(), timeout=30, **options):
    """Runs apus to its end."""
    return subprocess.run([APUS, *map(str, arguments)], env={**ENVIRONMENT, **dict(environment)},
                          capture_output=True, text=True, timeout=timeout, **options)


def nested(settings):
    """{"a.b": 1} as {"a": {"b": 1}}, which is what YAML wants."""
    tree = {}
    for key, value in settings.items():
        *path, last = key.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return tree


@dataclasses.dataclass
class Ledger:
    """What the agent says has become of one kind of event."""

    produced: int
    delivered: dict
    dropped: dict

    @property
    def rest(self):
        """What is not accounted for, over all destinations; 0 when the ledger balances."""
        return sum(abs(self.produced - count - self.lost(destination))
                   for destination, count in self.delivered.items())

    def lost(self, destination):
        """Dropped on the way to a destination; what no destination is named for is lost to all."""
        return sum(count for (lost_to, _, _), count in self.dropped.items()
                   if lost_to in ("", destination))


class Agent:
    """`settings` are dotted configuration keys; `environment` is all that it sees.

    `wrapper` is a command that runs it; `options` go to Popen.
    """

    # Only one can run at a time, so a test that fails must not leave its own behind.
    started = []

    def __init__(self, directory, settings=(), environment=(), arguments=(), ready=True,
                 wrapper=(), **options):
        self.port = free_port()
        directory = pathlib.Path(directory)
        self.log_path = directory / f"agent-{self.port}.log"
        self.config_path = directory / f"agent-{self.port}.yaml"
        self.settings = {"listen": f"127.0.0.1:{self.port}", "buffer": BUFFER, **dict(settings)}
        self.config_path.write_text(yaml.safe_dump(nested(self.settings)))
        self._log = open(self.log_path, "wb")
        self.output_path = directory / f"agent-{self.port}.out"
        self._output = open(self.output_path, "wb")
        self.process = subprocess.Popen(
            [*wrapper, APUS, "agent", "--config", str(self.config_path), *map(str, arguments)],
            **{"env": {**ENVIRONMENT, **dict(environment)}, "stdin": subprocess.DEVNULL,
               "stdout": self._output, "stderr": self._log, **options})
        Agent.started.append(self)
        if ready:
            self._wait_until_ready()

    def _wait_until_ready(self):
        try:
            eventually(self.is_ready, 15, lambda: self.log)
        except BaseException:
            # Nobody holds it yet, and only one agent can run at a time.
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def get(self, path, **headers):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        return urllib.request.urlopen(request, timeout=5)

    def is_ready(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log}"
        if self.settings["listen"] == "off":
            return "msg=started" in self.log
        try:
            return self.get("/readyz").status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def metrics_text(self):
        return self.get("/metrics").read().decode()

    def samples(self, name):
        """[(labels, value)] of the samples called `name`."""
        return [(sample.labels, sample.value)
                for family in text_string_to_metric_families(self.metrics_text())
                for sample in family.samples if sample.name == name]

    def ledger(self, event):
        produced, delivered, dropped = 0, {}, {}
        for family in text_string_to_metric_families(self.metrics_text()):
            for sample in family.samples:
                labels = sample.labels
                if labels.get("event") != event:
                    continue
                if sample.name == "apus_agent_events_produced_total":
                    produced += int(sample.value)
                elif sample.name == "apus_agent_events_delivered_total":
                    delivered[labels.get("destination", "")] = int(sample.value)
                elif sample.name == "apus_agent_events_dropped_total":
                    key = (labels.get("destination", ""), labels["hop"], labels["reason"])
                    dropped[key] = int(sample.value)
        return Ledger(produced, delivered, dropped)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=20):
        """SIGTERM and its exit code; -9 when it had to be killed."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
        self._output.close()
        return self.process.returncode
