# SPDX-License-Identifier: Apache-2.0
"""rotel, a collector that shares no code with us or with the official stubs, as a subprocess.

It decodes what it is sent, batches it anew and passes it on over OTLP to the stub receiver, so what
arrives there was understood by two independent decoders.
"""
import pathlib
import subprocess

import rotel

from waiting import eventually, free_port, listening


class Collector:
    def __init__(self, receiver, directory):
        self.http_port, self.grpc_port = free_port(), free_port()
        self.log = pathlib.Path(directory) / "rotel.log"
        program = pathlib.Path(rotel.__file__).parent / "rotel-agent"
        self._output = open(self.log, "wb")
        self.process = subprocess.Popen(
            [program, "start", "--otlp-grpc-endpoint", f"127.0.0.1:{self.grpc_port}",
             "--otlp-http-endpoint", f"127.0.0.1:{self.http_port}", "--exporter", "otlp",
             "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", receiver.http_endpoint,
             "--batch-timeout", "100ms", "--pid-file", str(self.log) + ".pid"],
            stdout=self._output, stderr=subprocess.STDOUT)
        eventually(lambda: listening(self.http_port) and listening(self.grpc_port), 10,
                   lambda: self.log.read_text())

    def endpoint(self, protocol):
        return f"http://127.0.0.1:{self.grpc_port if protocol == 'grpc' else self.http_port}"

    def eventually(self, condition, seconds=10):
        return eventually(condition, seconds, lambda: self.log.read_text())

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()
