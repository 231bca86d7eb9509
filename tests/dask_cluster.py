"""A Dask cluster on this machine: real processes, for tests/grading/test_cluster.py and benchmarks/scale.py."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from course.base.paths import ROOT
from tests import needs


class Cluster:
    """A scheduler and its workers, as `dask scheduler` and `dask worker` start them, on this machine and on free ports."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        needs.need("loopback")
        self.folder, self.file = folder, folder / "scheduler.json"
        self.log = open(folder / "log", "wb")
        here = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(self.file)]
        self.scheduler = self.begin("scheduler", *here, "--port", "0")
        until = time.monotonic() + 120
        while not self.file.exists():
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
        one = ["--nthreads", "1", "--nworkers", str(workers), "--local-directory", str(folder)]
        self.workers = self.begin("worker", *here, *one)
        self.address = json.loads(self.file.read_text())["address"]

    def begin(self, *words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=self.log,
            stderr=self.log,
        )

    def end(self) -> None:
        for process in (self.workers, self.scheduler):
            process.terminate()
        for process in (self.workers, self.scheduler):
            process.wait(60)
        self.log.close()
