"""How a verified file gets onto this machine: mirrors, hashes, resuming, locks. What the files are: helpers/data/__init__.py.

data/registry.txt has a sha256 for everything. A file is downloaded into a hidden folder, compared with its
sha256, and only then moved to its place in one step: half a file is never used, a verified one never replaced.

- The mirrors are tried in the registry's order, the fastest first. One that fails, or is slow while another is
  left, passes what it gave on to the next, which continues from there (HTTP Range).
- One process downloads at a time; the others wait, say so, and use its file.
- The free disk is checked first.

Environment variables, all optional:
    VIT_DATA      a folder to look in first, possibly read-only (downloads go there if it can be written)
    VIT_MIRROR    http(s):// or file:// address of a folder that is tried before the mirrors in the registry
    VIT_OFFLINE   1: never download unasked

Nothing here writes to stderr: in a graded cell, nbgrader gives zero for a single line there.
"""

import contextlib
import errno
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

HERE = Path(__file__).resolve().parents[1]  # helpers/
# in every folder we write to: unfinished downloads, locks, receipts of what we put there
HIDDEN = ".vit-course"
TIMEOUT = (5, 30)  # seconds to connect, seconds of silence: a blocked network is noticed soon
ATTEMPTS = 5  # connections to one mirror, if each brings us further
# bytes a second, measured over as many seconds: then another mirror has its turn
SLOW, PATIENCE = 200_000, 20
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # the disk, or what one may use of it
BAR_AFTER = 2  # seconds: no progress bar for what is over before one would look at it

# Files whose automatic download failed, and why: the next cell does not wait for every mirror again.
_gave_up: dict[str, str] = {}


class DownloadError(RuntimeError):
    """No mirror gave the file. The message names each one, why it failed, and what to do by hand."""

    def __init__(self, message: str, short: str):
        super().__init__(message)
        self.short = short  # one phrase, for the line that announces the stand-in


class _TooSlow(OSError):
    """The mirror works, but perhaps the next one is faster."""


# --- where files are ------------------------------------------------------------------------------


def shipped(name: str) -> Path:
    """A file that comes with the course: in data/ of the checkout, or beside this module in an installed package."""
    checkout = HERE.parent / "data" / name
    return checkout if (HERE.parent / "data" / "registry.txt").is_file() else HERE / name


def data_folder() -> Path:
    """Where data lives unless VIT_DATA says otherwise: data/ of the checkout, or the user's cache folder."""
    folder = shipped("registry.txt").parent
    return folder if folder != HERE else Path(_pooch().os_cache("vit-course"))


def folders() -> list[Path]:
    """The folders to look in, in this order; the first that can be written takes the downloads."""
    found = [data_folder(), Path(_pooch().os_cache("vit-course"))]
    if os.environ.get("VIT_DATA"):
        found.insert(0, Path(os.environ["VIT_DATA"]).expanduser())
    return list(dict.fromkeys(found))


def writable_folder() -> Path | None:
    """The first of `folders` that a file can be written to, created if need be; None if there is none."""
    for folder in folders():
        with contextlib.suppress(OSError):
            (folder / HIDDEN).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder / HIDDEN).close()
            return folder
    return None


def registry() -> dict[str, tuple[str, list[str]]]:
    """File name -> (sha256, addresses in the order in which they are tried), VIT_MIRROR first."""
    mirror = os.environ.get("VIT_MIRROR", "").rstrip("/")
    entries: dict[str, tuple[str, list[str]]] = {}
    for line in shipped("registry.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            filename, sha256, url = line.split()
            first = [f"{mirror}/{filename}"] if mirror else []
            entries.setdefault(filename, (sha256, first))[1].append(url)
    return entries


def find(filename: str) -> Path | None:
    """The first copy of a registered file that has the right sha256."""
    for folder in folders():
        if is_intact(folder / filename):
            return folder / filename
    return None


def is_intact(path: Path) -> bool:
    """Does this copy of a registered file have the right sha256?"""
    return os.path.isfile(path) and sha256_of(path) == registry()[path.name][0]


def sha256_of(path: Path) -> str:
    return _pooch().file_hash(str(path)) if os.path.isfile(path) else "nothing"


def place(part: Path, path: Path, origin: str) -> None:
    """Move a finished file to its place in one step, and leave a receipt: what has one may be removed again."""
    with contextlib.suppress(OSError):
        os.chmod(part, 0o644)  # a shared folder is for others too
    os.replace(part, path)
    receipt = {"from": origin, "when": time.strftime("%Y-%m-%d %H:%M:%S")}
    with contextlib.suppress(OSError):
        receipt_of(path).write_text(json.dumps(receipt), encoding="utf-8")


def receipt_of(path: Path) -> Path:
    return path.parent / HIDDEN / f"{path.name}.json"


# --- one file -------------------------------------------------------------------------------------


def fetch(filename: str, download: bool | None) -> tuple[Path | None, str]:
    """Find or download one file of the registry: its path and "", or None and a phrase that says why not.

    Args:
        download: None: if needed, except with VIT_OFFLINE or while grading. True: or raise DownloadError. False: never.
    """
    if (path := find(filename)) is not None:
        return path, ""
    if download is None:
        if grading():
            return None, "nothing is downloaded while grading"
        if os.environ.get("VIT_OFFLINE", "0") not in ("", "0"):
            return None, "VIT_OFFLINE is set"
        if filename in _gave_up:
            return None, _gave_up[filename]
    elif not download:
        return None, "download=False"
    try:
        return _download(filename), ""
    except DownloadError as error:
        if download:
            raise
        _gave_up[filename] = error.short
        return None, error.short


def _download(filename: str) -> Path:
    """Download one file into the first writable folder. Raises DownloadError."""
    folder = writable_folder()
    if folder is None:
        tried = ", ".join(map(str, folders()))
        raise DownloadError(
            f"{filename} has nowhere to go: none of {tried} can be written. Set VIT_DATA to one that can.",
            "no folder can be written to keep it",
        )
    note = folder / HIDDEN / f"{filename}.failed"
    before = _read(note)
    with alone(folder, filename) as waited:
        if (path := find(filename)) is not None:
            return path
        if waited and _read(note) != before:
            # the process that we waited for has just tried everything: thirty need not, one after the other
            raise DownloadError(*json.loads(_read(note))["why"])
        try:
            return _from_mirrors(filename, folder)
        except DownloadError as error:
            with contextlib.suppress(OSError):
                note.write_text(json.dumps({"why": [str(error), error.short], "when": time.time_ns()}))
            raise


def _from_mirrors(filename: str, folder: Path) -> Path:
    """Ask one mirror after the other; the unfinished file stays for the next one, or for the next time."""
    sha256, urls = registry()[filename]
    part = folder / HIDDEN / f"{filename}.part"
    if sha256_of(part) == sha256:  # complete, but its process died before it moved it
        place(part, folder / filename, "an earlier download")
        return folder / filename
    queue, slow, failures = list(urls), set(), []
    while queue:
        url = queue.pop(0)
        try:
            _from_one(url, part, sha256, not queue or url in slow)
        except _TooSlow:
            slow.add(url)
            queue.append(url)  # better than nothing, when nothing else is left
        except (OSError, ValueError) as error:  # no network, HTTP error; wrong bytes
            if isinstance(error, OSError) and error.errno in FULL:
                part.unlink(missing_ok=True)  # give back what it took
                raise DownloadError(
                    f"{filename} does not fit on the disk of {folder}: {error.strerror or error}. "
                    "Make room, or set VIT_DATA to a folder with more.",
                    f"the disk of {folder} is full",
                ) from error
            failures.append((url, error))
        else:
            place(part, folder / filename, url)
            return folder / filename
    raise DownloadError(
        f"{filename} could not be downloaded. Tried:\n"
        + "".join(f"  {url}\n    {type(error).__name__}: {error}\n" for url, error in failures)
        + f"By hand: open one of these in a browser, save the file as {folder / filename}, and run this again.",
        f"could not be downloaded ({'; '.join(_short(url, error) for url, error in failures)})",
    )


def _from_one(url: str, part: Path, sha256: str, may_be_slow: bool) -> None:
    """Complete `part` from one address until its sha256 is right.

    Raises OSError (network, disk; what came is kept), ValueError (wrong bytes; they are deleted).
    """
    broken = None
    for _ in range(ATTEMPTS):
        had = _size(part)
        try:
            _receive(url, part, sha256, may_be_slow)
        except ConnectionError as error:
            broken = error
            if _size(part) <= had:
                raise
        else:
            broken = None
        if (got := sha256_of(part)) == sha256:
            return
        if broken is None:
            part.unlink(missing_ok=True)
            if not had:
                break
            # the server's file is not the one that was begun: once more, from the start
    raise broken or ValueError(f"wrong bytes: the sha256 should be {sha256} but is {got}. They were deleted.")


def _receive(url: str, part: Path, sha256: str, may_be_slow: bool) -> None:
    """Add to `part` what it lacks of the file at `url`; a bar on stdout if it takes a while.

    By hand, because pooch starts again from zero after every break. Raises OSError: ConnectionError if the
    connection was not made or broke; ValueError if the server itself says that this is another file.
    """
    if url.startswith("file:"):
        source = Path(url2pathname(urlsplit(url).path))
        _check_disk(part.parent, source.stat().st_size)
        shutil.copyfile(source, part)
        return
    with quiet():
        import requests

    had = _size(part)
    # the bytes as they are on the server: no gzip on the way, or the hash would be that of something else
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={had}-"} if had else {})
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as response:
            if response.status_code == 416:  # it has no more than we do, and ours is not right
                part.unlink(missing_ok=True)
                return
            response.raise_for_status()
            for answer in (*response.history, response):
                announced = answer.headers.get("X-Linked-ETag", "").strip('"')  # huggingface.co: a sha256
                if len(announced) == 64 and announced != sha256:
                    raise ValueError(f"another file: its sha256 should be {sha256} but is {announced}.")
            if not response.headers.get("Content-Range", "").startswith(f"bytes {had}-"):
                had = 0  # all of it, from the start
            length = int(response.headers.get("Content-Length", 0)) or None
            _check_disk(part.parent, length or 0)
            title = f"{part.stem} from {urlsplit(url).netloc}"
            got = recent = 0
            since = time.monotonic()
            with open(part, "ab" if had else "wb") as file, bar(title, length and had + length, had) as shown:
                for chunk in response.iter_content(2**16):
                    file.write(chunk)
                    shown.update(len(chunk))
                    got, recent = got + len(chunk), recent + len(chunk)
                    if (seconds := time.monotonic() - since) >= PATIENCE:
                        if recent < SLOW * seconds and not may_be_slow:
                            raise _TooSlow(f"{recent / seconds / 1000:.0f} kB/s")
                        since, recent = time.monotonic(), 0
            if length and got < length:
                raise ConnectionError(f"the connection broke after {got:,} of {length:,} bytes")
    except requests.HTTPError:
        raise
    except requests.RequestException as error:
        raise ConnectionError(str(error)) from error


def _check_disk(folder: Path, needed: int) -> None:
    """Raise OSError (no space) if `needed` bytes do not fit, before any of them is fetched."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:,.0f} MB are needed but {free / 1e6:,.0f} MB are free")


def _short(url: str, error: Exception) -> str:
    """One failure in a few words: "zenodo.org: HTTP 404"."""
    reason = type(error).__name__
    if getattr(error, "response", None) is not None:
        reason = f"HTTP {error.response.status_code}"
    elif isinstance(error, ConnectionError):
        reason = "no connection"
    elif type(error) is ValueError:
        reason = "wrong bytes"
    return f"{urlsplit(url).netloc or url}: {reason}"


# --- tools ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def alone(folder: Path, what: str):
    """One process at a time: the others wait here, and say so. Gives True if it had to wait.

    The operating system frees the lock of a process that dies, so nobody waits for a dead one.
    """
    with quiet():
        from filelock import FileLock, Timeout

    lock, waited = FileLock(folder / HIDDEN / f"{what}.lock"), False
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"Another notebook is getting {what} into {folder}: waiting for it.", flush=True)
        waited = True
        lock.acquire(poll_interval=0.2)
    except (OSError, NotImplementedError):
        pass  # a disk without locks: two may download at once, the hashes keep them from harm
    try:
        yield waited
    finally:
        lock.release()


def bar(title: str, total: int | None, initial: int = 0, unit: str = "B"):
    """A progress bar on stdout: amount, rate and time left, once it has taken BAR_AFTER seconds; never in grading."""
    with quiet():
        from tqdm import tqdm

    how = {"unit": unit, "unit_scale": True, "mininterval": 0.5, "delay": BAR_AFTER, "disable": grading()}
    return tqdm(desc=title, total=total, initial=initial, file=sys.stdout, **how)


def grading() -> bool:
    """Does nbgrader run this notebook? Then nothing is downloaded and no bar is drawn."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


@contextlib.contextmanager
def quiet():
    """Hide the warnings of other people's packages: on stderr they would cost the points of a graded cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _pooch():
    """pooch, imported when first needed and kept off stderr."""
    with quiet():
        import pooch
    pooch.get_logger().setLevel("ERROR")
    return pooch


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
