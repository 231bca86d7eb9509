"""Notebooks as nobody writes them: one of the course with bytes, values or cells changed by a seeded chance."""

import json
import random
import time
from collections.abc import Callable

import psutil

from course.collecting import recognise
from course.judging import reading
from tests import notebooks

Chance = random.Random
PART, NAME = "2_build_a_vit", "q6_residual_block"
VALUES = (
    None, True, 0, -1, 1e308, 10**400, "", "x" * 100_000, "\ud800", "\0", [], [[]], {}, {"a": {}}, ["a", 1, None],
    "cells", "ResidualAdd = " + "(" * 3_000, "a,\n" * 20_000, "!true\n" * 300, "<<<<<<< a\n=======\n>>>>>>> b\n",
)  # fmt: skip


def places(value: object) -> list[tuple[object, object]]:
    """(container, key) of everything in a JSON value."""
    found, todo = [], [value]
    while todo:
        here = todo.pop()
        keys = here if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            found.append((here, key))
            todo.append(here[key])
    return found


def flipped(data: bytes, chance: Chance) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 10, 1_000))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: Chance) -> bytes:
    start, end = sorted(chance.sample(range(len(data)), 2))
    return chance.choice((data[:end], data[start:], data[:start] + data[end:], data[start:end] * 3))


def inserted(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data))
    what = chance.choice(
        (b"[", b"{", b'{"cell_type":', b'"', b"\\", b"\xff\xfe", b"\0", b"9", b"\n<<<<<<< a\n")
    )
    return data[:at] + what * chance.choice((1, 100, 100_000)) + data[at:]


def values(data: bytes, chance: Chance) -> bytes:
    notebook = json.loads(data)
    for _ in range(chance.choice((1, 5, 50))):
        container, key = chance.choice(places(notebook))
        container[key] = json.loads(json.dumps(chance.choice(VALUES)))
    return json.dumps(notebook).encode()


def keys(data: bytes, chance: Chance) -> bytes:
    notebook = json.loads(data)
    for container, key in chance.sample(places(notebook), 20):
        if isinstance(container, dict) and key in container:
            container[chance.choice(("", "source", "cells", "\0", "id", "x" * 1_000, "metadata"))] = (
                container.pop(key)
            )
    return json.dumps(notebook).encode()


def nested(data: bytes, chance: Chance) -> bytes:
    notebook, depth = json.loads(data), chance.choice((10, 900, 100_000))
    container, key = chance.choice(places(notebook))
    container[key] = "NESTED"
    deep = b"[" * depth + b"]" * depth if chance.random() < 0.5 else b'{"a":' * depth + b"1" + b"}" * depth
    return json.dumps(notebook).encode().replace(b'"NESTED"', deep)


def cells(data: bytes, chance: Chance) -> bytes:
    notebook = json.loads(data)
    there = notebook["cells"]
    for _ in range(chance.choice((1, 10, 200))):
        cell = json.loads(json.dumps(chance.choice(there)))
        for field in chance.sample(("id", "metadata", "outputs", "cell_type", "source"), chance.randrange(3)):
            cell.pop(field, None)
        there.insert(chance.randrange(len(there) + 1), cell)
    chance.shuffle(there) if chance.random() < 0.3 else None
    return json.dumps(notebook).encode()


def encoded(data: bytes, chance: Chance) -> bytes:
    text = data.decode().replace("e", chance.choice(("e", "\N{MATHEMATICAL BOLD SMALL A}", "é")))
    return text.encode(
        chance.choice(("utf-16", "utf-32", "latin-1", "utf-7", "utf-8-sig", "cp037")), "replace"
    )


KINDS: tuple[Callable[[bytes, Chance], bytes], ...] = (
    flipped,
    cut,
    inserted,
    values,
    keys,
    nested,
    cells,
    encoded,
)


def mutant(seed: int) -> bytes:
    """One kind of change or two, one after the other."""
    chance = Chance(seed)
    data = (notebooks.ROOT / "solutions" / PART / f"{NAME}.ipynb").read_bytes()
    data = KINDS[seed % len(KINDS)](data, chance)
    if chance.random() < 0.3:
        data = chance.choice((flipped, cut, inserted))(data or b"x" * 9, chance)
    return data


def measured(packed: bytes, data: bytes, *given: object) -> tuple[float, float, set[str]]:
    """Processor seconds to read the bytes as collect and as the judge do, megabytes kept, and what raised."""
    begun, raised = time.process_time(), set()
    for work in (
        lambda: recognise.recognise(packed, PART, data, f"{NAME}.ipynb"),
        lambda: recognise.build(packed, PART, NAME, data),
        lambda: reading.worked_out(given[0], data, *given[1:]),
    ):
        try:
            work()
        except Exception as error:
            raised.add(type(error).__name__)
    return time.process_time() - begun, psutil.Process().memory_info().rss / 1e6, raised
