#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the agent and the tools against Debian's libbpf-tools, as ratios of interleaved runs, and
# writes the table to .build/bench.md. Arguments go to Tests/bench/bench.py (--quick, --only NAME).
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --test
scripts/build.sh
make --silent --directory Tests/workloads
if [ "$(id -u)" = 0 ]; then exec .build/venv/bin/python Tests/bench/bench.py "$@"; fi
exec sudo .build/venv/bin/python Tests/bench/bench.py "$@"
