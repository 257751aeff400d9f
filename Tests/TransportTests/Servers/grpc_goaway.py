# SPDX-License-Identifier: Apache-2.0
"""The same service, of a server that says GOAWAY while a call that is "late" is under way."""

import os
import pathlib
import runpy

os.environ["MAX_AGE_MS"] = "300"
runpy.run_path(str(pathlib.Path(__file__).with_name("grpc_faults.py")))
