# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus, scraping one target."""
import json
import subprocess
import urllib.parse
import urllib.request

from waiting import free_port


class Prometheus:
    """Ends with the test; `arguments` are further flags."""

    def __init__(self, directory, target, *arguments):
        self.port = free_port()
        config = directory / f"prometheus-{self.port}.yml"
        config.write_text(
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            f"scrape_configs: [{{job_name: apus, static_configs: [{{targets: ['{target}']}}]}}]\n")
        self.log = open(directory / f"prometheus-{self.port}.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}",
             f"--storage.tsdb.path={directory}/data-{self.port}",
             f"--web.listen-address=127.0.0.1:{self.port}", *arguments],
            stdout=self.log, stderr=subprocess.STDOUT)

    def query(self, text):
        """[(labels, value)] of an instant query; empty while the server is starting."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode(
            {"query": text})
        try:
            answer = json.load(urllib.request.urlopen(url, timeout=5))
        except OSError:
            return []
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
