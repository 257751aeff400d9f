# SPDX-License-Identifier: Apache-2.0
"""What bpftool says is loaded, so that what a run leaves behind shows."""
import json
import subprocess


def loaded():
    """{(kind, id)} of all programs, maps and links in the kernel."""
    found = set()
    for kind in ("prog", "map", "link"):
        done = subprocess.run(["bpftool", "--json", kind, "list"], capture_output=True, text=True,
                              check=True)
        for row in json.loads(done.stdout or "[]"):
            # bpftool loads programs of its own to name the owners, and they may linger.
            if not str(row.get("name", "")).startswith(("libbpf_", "iter", "pid_iter")):
                found.add((kind, row["id"]))
    return found
