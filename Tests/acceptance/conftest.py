# SPDX-License-Identifier: Apache-2.0
"""What the acceptance tests share: receivers, the collector, workloads, the agent under test."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the acceptance tests load programs into the kernel: run them as root", 2)


@pytest.fixture(autouse=True)
def no_agent_is_left():
    """Stops what a failed test started; agents of a whole file are older than this fixture."""
    from agent import Agent
    before = len(Agent.started)
    yield
    for left in Agent.started[before:]:
        left.stop()
    del Agent.started[before:]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    from _pytest.runner import runtestprotocol
    from missed import run_anew
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports, again = run_anew(item, nextitem, runtestprotocol)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    if again:
        FIGURES.append(f"{item.name}: run anew {again} times, as the host ran no BPF program "
                       "for some events")
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    from missed import Missed
    yield
    if call.excinfo is not None and call.excinfo.errisinstance(Missed):
        item.missed = True


FIGURES = []


@pytest.fixture
def figures(request):
    """Takes what a test measured, for the end of the run's output."""
    def take(text):
        FIGURES.append(f"{request.node.name}: {text}")
    return take


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("figures")
        terminalreporter.write("\n".join(FIGURES) + "\n")


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


@pytest.fixture(scope="session")
def workloads(tmp_path_factory):
    from workloads import Workloads
    return Workloads(tmp_path_factory.mktemp("workloads"))


@pytest.fixture
def cgroup():
    from workloads import Cgroup
    made = Cgroup()
    yield made
    made.remove()


@pytest.fixture
def network():
    from namespaces import Network
    made = Network()
    yield made
    made.close()


@pytest.fixture(params=["modern", "compatible"])
def watched(request, tmp_path, receiver, network):
    from retransmits import Watched
    made = Watched(tmp_path, receiver, network, request.param)
    yield made
    made.close()
