"""Names in a zip archive that does not say how they are written: UTF-8 (macOS), or what Windows used in that country.

`decoder` looks at all names of an archive together: only in the right encoding are they all letters of one script.
"""

import re
import unicodedata
from collections.abc import Callable

# encoding -> its name for people, and the script of its letters
ENCODINGS = {
    "cp437": ("CP437", "LATIN"),
    "cp850": ("CP850", "LATIN"),
    "gbk": ("GBK, Chinese", "CJK"),
    "cp949": ("CP949, Korean", "HANGUL"),
}
COMMON = {"gbk": "gb2312", "cp949": "euc_kr"}  # most letters of real names are in the older, smaller sets
SURE = 8  # different characters: so many Chinese ones do not all happen to be Korean letters, too


def decoder(
    names: list[bytes], known: Callable[[str], object] = lambda name: False
) -> tuple[Callable[[bytes], str], str]:
    """How to read these names; and, where that is not certain, what to ask a person about it.

    Args:
        known: whether somebody of the course is called so.
    """
    odd = [name for name in names if not name.isascii()]
    if all(map(_utf8, odd)):
        return lambda name: name.decode("utf-8"), ""
    possible = [encoding for encoding in ENCODINGS if _fits(odd, encoding)]
    read = {encoding: tuple(name.decode(encoding) for name in odd) for encoding in possible}
    if "cp949" in possible and len({c for name in read["cp949"] for c in name if not c.isascii()}) >= SURE:
        possible = ["cp949"]
    parts = {
        e: {p.removesuffix(".zip") for name in read[e] for p in re.split(r"[/\\]", name)} for e in possible
    }
    possible = [e for e in possible if any(map(known, parts[e]))] or possible
    best = possible[0] if possible else "cp437"
    shown = {ENCODINGS[e][0]: _last(odd[0], e) for e in possible or ENCODINGS}
    ask = ""
    if not possible or len({read[encoding] for encoding in possible}) > 1:
        forms = " or ".join(f"{text!r} ({name})" for name, text in shown.items())
        ask = (
            f"the archive does not say how its names are written: {forms}? {_last(odd[0], best)!r} was taken; "
            "if that is wrong, unpack it where it was made and give the folder"
        )
    return lambda name: name.decode(best, "replace"), ask


def _utf8(name: bytes) -> bool:
    try:
        return bool(name.decode("utf-8")) or not name
    except UnicodeDecodeError:
        return False


def _fits(names: list[bytes], encoding: str) -> bool:
    """All letters beyond ASCII are of the encoding's script, and most are common; Chinese and Korean ones come together."""
    try:
        runs = [run for name in names for run in re.findall(r"[^\x00-\x7f]+", name.decode(encoding))]
    except UnicodeDecodeError:
        return False
    letters = "".join(runs)
    if encoding in COMMON and sum(len(run) > 1 for run in runs) < len(runs) / 2:
        return False
    common = sum(_in(c, COMMON.get(encoding, encoding)) for c in letters)
    return common >= 0.8 * len(letters) and all(
        unicodedata.name(c, "").startswith(ENCODINGS[encoding][1]) for c in letters
    )


def _in(character: str, encoding: str) -> bool:
    try:
        return len(character.encode(encoding)) <= 2  # Python spells rare Korean letters out
    except UnicodeEncodeError:
        return False


def _last(name: bytes, encoding: str) -> str:
    """The first part of a name that is not plain ASCII."""
    part = next((part for part in name.split(b"/") if not part.isascii()), name)
    return part.decode(encoding, "replace")
