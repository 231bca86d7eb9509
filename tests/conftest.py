import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings
from joblib import cpu_count

from course.base.paths import ROOT
from tests import needs, notebooks
from tests.browser import browser, page  # noqa: F401  fixtures for all tests

# No test reaches for the network, and kernels that tests start inherit this.
os.environ["VIT_OFFLINE"] = "1"
# No test writes into the gradebook of somebody's course.
os.environ.pop("VIT_GRADEBOOK", None)
os.environ["VIT_PROGRESS"] = "off"  # notebooks that tests run leave no notes behind
# Bytecode is kept (uv leaves none): hundreds of processes that tests start would each compile PyTorch anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A second less for each process that tests start: nbgrader's commands, JupyterLab.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / "tests" / "light"), os.environ.get("PYTHONPATH", "")]
).rstrip(os.pathsep)
# The tests run beside each other: one thread a kernel, or they would fight over the cores.
os.environ["OMP_NUM_THREADS"] = "1"
# Tests wait much, for kernels, servers and time-outs: one process more than there are cores keeps all of these busy.
# With what it starts, each takes up to 3 GB (that of test_answers 6).
ROOM = int(psutil.virtual_memory().available // 3e9)
os.environ.setdefault("PYTEST_XDIST_AUTO_NUM_WORKERS", str(max(1, min(cpu_count() + 1, ROOM, 8))))
# A shell that starts something behind it (`make test &`) has it ignore Ctrl-C, and then no loop without end is stopped.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a debugger's warning on stderr of a kernel

# Busy machines are slow for a moment, and CI should say the same thing twice.
settings.register_profile(
    "course", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("course")


if sys.platform != "win32":  # an ordinary user's 1,024 open files are few for a process with a dozen kernels
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

# They begin first, so that none of them is left for the end, when it would keep one core busy and the others idle.
LONGEST = """
sandbox answers notebooks hostile run batch install plugins browser_lab instructors demo
judge prefork export collect train data alone site cluster rebuild mutants
""".split()


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # xdist would begin with the files that have the most tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(autouse=True, scope="module")
def where_grading_lies():
    """What a module says of it, it takes back: the next would look for its files in a place that is gone."""
    yield
    assert "VIT_GRADING" not in os.environ


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = {thing for mark in item.iter_markers("needs") for thing in mark.args}
    needs.need(*(thing for thing in needs.THINGS if thing in wanted))


def pytest_terminal_summary(terminalreporter) -> None:
    for line in needs.not_run(terminalreporter.getreports("skipped")):
        terminalreporter.write_line(line, yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped, whatever was skipped for another reason fails the run, too."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if needs.all_of_them() and reporter and reporter.stats.get("skipped"):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="module")
def kernels():
    """Kernels by notebook ("<part>/<file name>"), started when first used and kept for the module."""
    open_kernels, contexts = {}, []

    def get(name):
        if name not in open_kernels:
            contexts.append(notebooks.kernel(name))
            open_kernels[name] = contexts[-1].__enter__()
        return open_kernels[name]

    yield get
    for context in contexts:
        context.__exit__(None, None, None)
