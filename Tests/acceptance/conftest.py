# SPDX-License-Identifier: Apache-2.0
"""What the acceptance tests share: receivers, the collector, workloads, the agent under test."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
ROOT = HERE.parent.parent


@pytest.fixture
def receiver():
    from receiver import Receiver
    with Receiver() as made:
        yield made
    assert made.errors == [], "the receiver could not decode something"


@pytest.fixture
def collector(receiver, tmp_path):
    from collector import Collector
    made = Collector(receiver, tmp_path)
    yield made
    made.close()
