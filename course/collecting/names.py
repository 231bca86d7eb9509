"""What a file's name says: which notebook it is, and what a student may be called."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

# what browsers, Canvas, Jupyter and the file managers of several languages put behind a name, and Drive before or behind it
COPY = re.compile(
    r"(?:[ _]?\((?P<browser>\d{1,3})\)|-(?P<canvas>\d{1,2})"
    r"|[ _-]+(?:copy|kopie|kopia|copia|cópia|copie|kopi|kopya|副本|复制|复件|복사본|コピー|копия)(?:[ _]?(?P<mac>\d{1,2}))?"
    r"|[ ]?(?:的副本|のコピー|의 사본)|[ ]kopyası)$",
    re.I,
)
DRIVE = re.compile(
    r"^(?:copy[ _]of|kopie[ _](?:von|van)|c[oó]pia[ _]d[ei]|copie[ _]de|kopia?[ _](?:av|af|pliku)|kopia|копия"
    r"|bản[ _]sao[ _]của|نسخة[ _]من)[ _]+",
    re.I,
)
# words that call a file, folder or archive after what it is, not after who sent it
THINGS = set(
    "all answer answers archive assignment assignments attachments attempt class copy corrected course download downloaded"
    " downloads draft exam exercise exercises export file files final fixed folder hand handin homework homeworks hw in inbox"
    " lab labs last late lecture mail main master my new notebook notebooks old part period release retry revised second section"
    " sections seminar solution solutions submission submissions submit submitted task tasks template third try tutorial tutorials"
    " update updated upload uploads version week work works gruppenübung seminare tutorium übungsgruppe"
    " abgabe abgaben aufgabe aufgaben hausaufgabe hausaufgaben übung übungen devoir devoirs rendu tarea tareas entrega entregas"
    " 과제 제출 作业 作業 提出 課題".split()
)
RESERVED = re.compile(r"^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.I)


@dataclass
class Sender:
    """Who sent a file. `key` tells students apart (two of the same name in Moodle), `label` is the wished id."""

    label: str
    key: str
    name: str = ""  # as the LMS wrote it, for people and the roster
    file: str = ""  # the file's own name, what the LMS put around it taken off
    late: bool = False
    attachment: int = 0
    lms: str = ""  # which LMS named it; the dates in its archives are those of the download
    when: datetime | None = None  # when it was handed in, as the LMS wrote it
    after: str = ""  # "file", "folder" or "archive": what they are called after where no LMS, nor anybody, says who it is
    guessed: bool = False  # after the folder or archive that was given, as nothing in it names anybody


def short(notebook: str) -> str:
    """ "q1" of "q1_positional_encoding"; empty for notebooks without a number."""
    match = re.match(r"[a-z]+\d+(?=_)", notebook)
    return match[0] if match else ""


def words(text: str) -> list[str]:
    """The words of a name, without digits; single Latin letters are none."""
    return [word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 1 or not word.isascii()]


def thing(name: str) -> bool:
    """Whether a name says only what it is, not whose: `Part 2`, `hw1.zip`, `my`, `vit-course-main`."""
    found = {word.casefold() for word in words(name.removesuffix(".zip"))}
    return bool(found & THINGS) and found <= THINGS | {"vit"}  # Vít is a name, too


def tidy(name: str) -> tuple[str, int]:
    """A file's stem without what browsers and Drive add, and the number of the copy.

    `q1 (2).ipynb` -> ("q1", 2), `Copy of q1.ipynb` -> ("q1", 0), `q1-1.ipynb` -> ("q1", 1).
    """
    stem = unicodedata.normalize("NFC", name[-300:])
    while PurePosixPath(stem).suffix.lower() in (".ipynb", ".json", ".txt"):
        stem = stem[: -len(PurePosixPath(stem).suffix)]
    number = 0
    while (shorter := DRIVE.sub("", stem)) != stem or (match := COPY.search(stem)):
        if shorter != stem:
            stem = shorter
            continue
        number = number or int(match["browser"] or match["canvas"] or match["mac"] or 1)
        stem = stem[: match.start()].rstrip()
    return stem.strip(), number


def notebook_of(name: str, notebooks: list[str]) -> str | None:
    """Which of the notebooks a file is by its name, or None: `Copy of Q1-Positional encoding.ipynb` is Q1."""
    stem = re.sub(r"[\s\-.]+", "_", tidy(name)[0].casefold())
    for notebook in sorted(notebooks, key=len, reverse=True):
        if re.search(rf"(?:^|_){re.escape(notebook.casefold())}(?:_|$)", stem):
            return notebook
    numbered = [n for n in notebooks if short(n) and re.search(rf"(?:^|_){short(n)}(?:_|$)", stem)]
    return numbered[0] if len(numbered) == 1 else None


def safe_id(label: str) -> str:
    """A student id that is one folder's name on every system and nothing else; readable where it can be.

    Different labels may give the same id: who assigns ids has to tell them apart.
    """
    text = unicodedata.normalize("NFC", label.encode("utf-8", "replace").decode("utf-8"))
    text = "".join("-" if unicodedata.category(c)[0] == "C" or c in '/\\:*?"<>|+,[]{}%#' else c for c in text)
    text = re.sub(r"\s+", "_", text.strip()).strip(".-_")
    digest = hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()[:8]
    if RESERVED.match(text):
        text = f"_{text}"
    if len(text.encode()) > 80:
        text = f"{text.encode()[:70].decode('utf-8', 'ignore').rstrip('.-_')}-{digest}"
    return text or f"student-{digest}"
