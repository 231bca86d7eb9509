"""Commands by an ordinary user, where the tests are run by root; else by whoever runs them."""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from course.base.paths import ROOT
from course.sandbox import bubblewrap

USER = 54321
KEPT = ("PATH", "PYTHONPATH", "VIT_OFFLINE", "OMP_NUM_THREADS")


def run(*words: str, home: Path, cwd: Path = ROOT, timeout: float = 600) -> subprocess.CompletedProcess:
    """What a command of this Python says as somebody who is not root.

    Args:
        words: behind the interpreter. "{home}" in them is where this user finds `home`.
        home: his own, an empty folder.
    """
    python = cwd / ".venv" / "bin" / "python"
    argv = [str(python if python.exists() else sys.executable), *words]
    env = {name: os.environ[name] for name in KEPT if name in os.environ} | {"PYTHONDONTWRITEBYTECODE": "1"}
    says = {"capture_output": True, "text": True, "timeout": timeout, "cwd": cwd}
    if os.geteuid() != 0:
        argv = [word.replace("{home}", str(home)) for word in argv]
        return subprocess.run(argv, env={**env, "HOME": str(home)}, **says)
    needed = [cwd, ROOT, Path(sys.prefix), Path(sys.base_prefix)]
    closed = {path for start in needed for path in [start, *start.parents] if not path.stat().st_mode & 1}
    walls = [bubblewrap.bubblewrap(), "--dev-bind", "/", "/"]
    for path in sorted(closed):  # root's own folders: an ordinary user's interpreter is where he can read it
        walls += ["--perms", "0755", "--tmpfs", str(path)]
    for path in needed:
        walls += bubblewrap.bind(path) if closed & {path, *path.parents} else []
    place = Path("/tmp", f"vit-test-{uuid.uuid4().hex}")
    walls += ["--dir", str(place), "--bind", str(home), str(place)]
    # by its whole path: PATH may lead through a closed folder
    walls += [
        str(Path(shutil.which("setpriv")).resolve()),
        "--reuid",
        str(USER),
        "--regid",
        str(USER),
        "--clear-groups",
    ]
    os.chown(home, USER, USER)
    env |= {"HOME": str(place), "TMPDIR": "/tmp"}
    try:
        return subprocess.run(
            [*walls, *(word.replace("{home}", str(place)) for word in argv)], env=env, **says
        )
    finally:
        place.rmdir()  # where `home` was shown to the other user
