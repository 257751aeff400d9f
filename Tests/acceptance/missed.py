# SPDX-License-Identifier: Apache-2.0
"""Kernel events on which the host ran no BPF program at all.

On some virtual machines a softirq on top of certain tasks of the host's own runs no BPF program,
the agent's or anybody's, though trace events tell of what happened: about one event in a thousand.
A test that was told of less than was made, and only of less, or of an end by the hook after the one
that was it, raises Missed and is run anew, at most seven times; what is missed eight times in a
row is missed by the agent.
"""

ATTEMPTS = 8


class Missed(AssertionError):
    """Fewer events were told of than there were."""


def run_anew(item, nextitem, run):
    """The reports of a test, of its last attempt; how often it was run anew."""
    for attempt in range(ATTEMPTS):
        item.missed = False
        if attempt:
            item._initrequest()  # Fixtures of the test alone are made anew, too.
        reports = run(item, nextitem=nextitem, log=False)
        if not item.missed:
            break
    return reports, attempt
