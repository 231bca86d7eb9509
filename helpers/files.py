"""Files that are there as a whole or not at all."""

import contextlib
import os
import threading
from pathlib import Path


# By hand: atomicwrites is no longer maintained, and the standard library has nothing of the kind.
def write(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path`, whenever this process is killed: beside it, flushed to the disk, renamed.

    Who may read it is for the umask to say, as with any file. One that says the same already is left alone.

    Raises OSError for a full disk, a folder that can't be written; the old file, if any, is as it was.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()  # a full disk gets its room back
        raise
