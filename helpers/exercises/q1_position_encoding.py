"""Q1: the sinusoidal positional encoding (Vaswani et al. 2017, section 3.5)."""

import functools

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, prefixed, properties, row_by_row, values, values_by
from helpers.observers.q1_position_encoding import DENOMINATORS, observer
from helpers.vit.pieces.q1_position_encoding import getPositionEncoding


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = [(4, 4, 100.0), (7, 10, 10000.0), (5 + int(rng.integers(4)), 6 + 2 * int(rng.integers(3)), 50.0)]
    return [
        {"seq_len": s, "d": d, "n": n, "label": f"getPositionEncoding({s}, {d}, n={n:g})"}
        for s, d, n in sizes
    ]


def expected(case: Case) -> Arrays:
    P = getPositionEncoding(case["seq_len"], case["d"], case["n"])
    return {"P": P, DENOMINATORS: np.tile(1 / speeds(P), (case["seq_len"] - 1, 1))}


def speeds(P: np.ndarray) -> np.ndarray:
    """How far each pair turns from one position to the next."""
    pairs = P.shape[1] // 2
    return np.arctan2(P[1, : 2 * pairs : 2], P[1, 1 : 2 * pairs : 2])


# A column is judged by its own frequency w, found in its first two entries: a wrong denominator
# must not cost the points of a right sine.


def frequencies(column: np.ndarray, kind: str) -> list[float]:
    """The w for which column[k] = sin(k w) (or cos(k w)) for every k; empty if there is none."""
    if len(column) < 2 or not np.isfinite(column).all() or abs(column[1]) > 1 + 1e-6:
        return []
    first = float(np.clip(column[1], -1, 1))
    k = np.arange(len(column))
    if kind == "sin":
        found = [np.arcsin(first), np.pi - np.arcsin(first)]
        return [w for w in found if np.allclose(np.sin(k * w), column, atol=1e-4)]
    found = [np.arccos(first), -np.arccos(first)]
    return [w for w in found if np.allclose(np.cos(k * w), column, atol=1e-4)]


def wave_is(kind: str, column: int):
    """The even (column 0) or odd (1) columns are waves of this kind, at the right or at the student's own frequency."""

    def agrees(observed: Arrays, wanted: Arrays, case: Case) -> bool:
        P, right = observed["P"], wanted["P"]
        if P.shape != right.shape:
            return False
        if not np.ptp(P[:, column : 2 * (case["d"] // 2) : 2], axis=0).any():
            return False  # constant columns are a wave of speed 0, but nobody's wave
        for i in range(case["d"] // 2):
            mine, other = P[:, 2 * i + column], P[:, 2 * i + 1 - column]
            if np.allclose(
                other, right[:, 2 * i + 1 - column], atol=1e-4
            ):  # the speed is right: compare values
                if not np.allclose(mine, right[:, 2 * i + column], atol=1e-4):
                    return False
                continue
            own = frequencies(other, "sin") + frequencies(other, "cos")
            own += frequencies(right[:, 2 * i], "sin")
            if not any(
                np.isclose(np.cos(a), np.cos(b), atol=1e-4) for a in frequencies(mine, kind) for b in own
            ):
                return False
        return True

    return agrees


def denominator_agrees(observed: Arrays, wanted: Arrays, case: Case) -> bool:
    """In every pair, some column turns at the right frequency, be it a sine or a cosine."""
    P, right = observed["P"], wanted["P"]
    if P.shape != right.shape:
        return False
    for i in range(case["d"] // 2):
        columns = (P[:, 2 * i], P[:, 2 * i + 1])
        waves = (right[:, 2 * i], right[:, 2 * i + 1])
        if not any(np.allclose(c, w, atol=1e-4) for c in columns for w in waves):
            return False
    return True


def with_columns(change):
    """Values for a mistake: `change(k, i, w)` gives even and odd columns for position k, pair i and speed w."""
    return lambda case: columns(case, change)


def columns(case: Case, change) -> Arrays:
    pairs, right = case["d"] // 2, expected(case)["P"]
    k, i = np.arange(case["seq_len"], dtype=float)[:, None], np.arange(pairs, dtype=float)[None, :]
    w = speeds(right)[None, :]
    P = np.zeros((case["seq_len"], case["d"]))
    P[:, 0 : 2 * pairs : 2], P[:, 1 : 2 * pairs : 2] = change(k, i, w)
    return {"P": P}


def with_angle(angle):
    """Values for a mistake in the denominator: sine and cosine of `angle(k, i, d, n)`."""

    def produces(case: Case) -> Arrays:
        def change(k, i, w):
            made = angle(k, i, case["d"], case["n"]) + 0 * i
            return np.sin(made), np.cos(made)

        if case.get("alone") == "denominator =":
            k, i = np.arange(1.0, case["seq_len"])[:, None], np.arange(case["d"] // 2, dtype=float)
            return {DENOMINATORS: k / (angle(k, i, case["d"], case["n"]) + 0 * i)}
        return columns(case, change)

    return produces


def power(exponent):
    """... n to the power of a wrong `exponent(i, d)`."""
    return with_angle(lambda k, i, d, n: k * np.float_power(n, -exponent(i, d)))


def in_blocks(case: Case) -> Arrays:
    P = expected(case)["P"]
    pairs = 2 * (case["d"] // 2)
    return {"P": np.concatenate([P[:, 0:pairs:2], P[:, 1:pairs:2], P[:, pairs:]], axis=1)}


def only_first_row(observed: Arrays, wanted: Arrays, case: Case) -> bool:
    """Row 0 is filled, if only its first pair (`return` in the inner loop), and nothing below it."""
    P, right = observed["P"], wanted["P"]
    return P.shape == right.shape and np.allclose(P[0, :2], right[0, :2]) and not P[1:].any()


# Wrong angles: `angle(k, i, w)` for position k, pair i and the right speed w = 1 / denominator.
# Made three times each: in both columns, in the even ones only, in the odd ones only.
ANGLES = {
    "no-denominator: are taken of k alone: the denominator is not used, or is 1 because `//` rounds 2i/d down to 0.":
        lambda k, i, w: k + 0 * w,
    "multiplied: are taken of k times the denominator: it should be divided by.": lambda k, i, w: k / w,
    "pair-index: use the pair's index i where the position k belongs.": lambda k, i, w: i * w + 0 * k,
    "position-from-one: count positions from 1: the first row is position 0.": lambda k, i, w: (k + 1) * w,
    "position-squared: use the position k twice.": lambda k, i, w: k * k * w,
    "degrees: turn the angle from degrees to radians: it is in radians already.":
        lambda k, i, w: np.deg2rad(k * w),
    "two-pi: multiply the angle by 2 pi: the formula has no pi in it.": lambda k, i, w: 2 * np.pi * k * w,
}  # fmt: skip
# Wrong angles of one kind of column only: `angle(k, i, d, n)`.
ANGLES_OF = {
    "half-exponent: divide by n to the power i/d: both columns of a pair share the denominator. Divide by `denominator`.":
        lambda k, i, d, n, odd: k * np.float_power(n, -i / d),
    "exponent-only: are taken of the exponent, {own}/d: the position k, divided by the denominator, belongs there.":
        lambda k, i, d, n, odd: (2 * i + odd) / d,
    "column: use the number of the column, {own}, where the position k belongs.":
        lambda k, i, d, n, odd: (2 * i + odd) * np.float_power(n, -2 * i / d),
    "denominator-alone: are taken of the denominator alone: the position k is divided by it.":
        lambda k, i, d, n, odd: np.float_power(n, 2 * i / d),
    "denominator-plus-one: add 1 to the denominator: both columns of a pair share it.":
        lambda k, i, d, n, odd: k / (np.float_power(n, 2 * i / d) + 1),
    "turned-over: divide the denominator by the position: it is k that is divided.":
        lambda k, i, d, n, odd: np.float_power(n, 2 * i / d) / k,
}  # fmt: skip
# Wrong values in one kind of column, or in both: `wave(f, k, w)`.
VALUES = {
    "divided-outside: divide after the {wave}: the division belongs inside.": lambda f, k, w: f(k) * w,
    "minus: have the wrong sign.": lambda f, k, w: -f(k * w),
    "angle-only: hold the angle itself: take its {wave}.": lambda f, k, w: k * w,
    "tangent: hold the tangent in place of the {wave}.": lambda f, k, w: np.tan(k * w),
    "plus-position: have the position added to the {wave}.": lambda f, k, w: f(k * w) + k,
}  # fmt: skip


def both(angle):
    return with_columns(lambda k, i, w: (np.sin(angle(k, i, w)), np.cos(angle(k, i, w))))


def even(angle):
    return with_columns(lambda k, i, w: (np.sin(angle(k, i, w)), np.cos(k * w)))


def odd(angle):
    return with_columns(lambda k, i, w: (np.sin(k * w), np.cos(angle(k, i, w))))


def even_of(angle):
    """... of `angle(k, i, d, n)` in the even columns only."""
    return lambda case: columns(
        case, lambda k, i, w: (np.sin(angle(k, i, case["d"], case["n"]) + 0 * k), np.cos(k * w))
    )


def odd_of(angle):
    return lambda case: columns(
        case, lambda k, i, w: (np.sin(k * w), np.cos(angle(k, i, case["d"], case["n"]) + 0 * k))
    )


def both_values(wave):
    return with_columns(lambda k, i, w: (wave(np.sin, k, w), wave(np.cos, k, w)))


def even_values(wave):
    return with_columns(lambda k, i, w: (wave(np.sin, k, w), np.cos(k * w)))


def odd_values(wave):
    return with_columns(lambda k, i, w: (np.sin(k * w), wave(np.cos, k, w)))


def naming(wave: str) -> dict:
    return {row.format(wave=wave): value for row, value in VALUES.items()}


def of_column(odd: int) -> dict:
    own = ("2i", "(2i+1)")[odd]
    return {row.format(own=own): functools.partial(angle, odd=odd) for row, angle in ANGLES_OF.items()}


misconceptions = (
    *values_by(power, {
        "exponent-i-over-d: the exponent is i/d instead of 2i/d.": lambda i, d: i / d,
        "exponent-without-d: the exponent is 2i, not divided by d.": lambda i, d: 2 * i,
        "exponent-next-pair: the exponent uses the next pair, i + 1: i starts at 0.":
            lambda i, d: 2 * (i + 1) / d,
        "exponent-odd: the exponent is (2i+1)/d: both columns of a pair share the exponent 2i/d.":
            lambda i, d: (2 * i + 1) / d,
    }),
    *values_by(with_angle, {
        "exponent-position: the exponent holds the position k where the pair's index i belongs.":
            lambda k, i, d, n: k * np.float_power(n, -2 * k / d),
    }),
    *values_by(power, {
        "exponent-constant: the exponent does not depend on i: every pair has a denominator of its own.":
            lambda i, d: 2 / d + 0 * i,
        "exponent-half-d: the exponent is 2i / (d/2): it is divided by d.": lambda i, d: 4 * i / d,
        "exponent-of-columns: the exponent is 2 (i // 2) / d: so it is written where i counts columns. Here i counts pairs already, so nothing needs to be halved.":
            lambda i, d: 2 * (i // 2) / d,
        "exponent-one: the denominator is n itself: the exponent 2i/d is missing.": lambda i, d: 1 + 0 * i,
    }),
    *values_by(with_angle, {
        "n-fixed: 10000 is written out instead of the argument n.":
            lambda k, i, d, n: k * np.float_power(10000.0, -2 * i / d),
        "n-times-exponent: n is multiplied by 2i/d: raise it to that power (`**`).":  # which is 0 for the first pair
            lambda k, i, d, n: k / (n * 2 * i / d),
        "n-squared: only the 2 stands in the exponent: `**` binds tighter than `*` and `/`, so the whole exponent needs brackets.":
            lambda k, i, d, n: k / (n**2 * i / d),
        "d-below: only 2i stands in the exponent, and the power is divided by d: `**` binds tighter than `/`, so the whole exponent needs brackets.":
            lambda k, i, d, n: k * d * np.float_power(n, -2 * i),
        "n-missing: the denominator is the exponent 2i/d itself: n is to be raised to it.": lambda k, i, d, n: k * d / (2 * i),
        "n-missing-half: the denominator is i/d: n is to be raised to a power, whose exponent is 2i/d.": lambda k, i, d, n: k * d / i,
        "n-missing-columns: the denominator is 2 (i // 2) / d: n is to be raised to a power, and i counts pairs already.":
            lambda k, i, d, n: k * d / (2 * (i // 2)),
        "base-e: e is raised to the power 2i/d (that is what `exp` does): it should be n.": lambda k, i, d, n: k * np.exp(-2 * i / d),
        "n-and-d-swapped: n and d have changed places: n is raised to the power 2i/d.": lambda k, i, d, n: k * np.float_power(d, -2 * i / n),
        "n-fixed-half: 10000 is written out in place of the argument n, and the exponent is i/d instead of 2i/d.":
            lambda k, i, d, n: k * np.float_power(10000.0, -i / d),
        "times-position: the denominator is multiplied by the position k: it depends on i, d and n only.":
            lambda k, i, d, n: k * np.float_power(n, -2 * i / d) / k,
    }),
    *row_by_row(
        values_by(both, prefixed(ANGLES, message="sine and cosine ")),
        values_by(even, prefixed(ANGLES, "sine-", "the sines (even columns) ")),
        values_by(odd, prefixed(ANGLES, "cosine-", "the cosines (odd columns) ")),
    ),
    *row_by_row(
        values_by(even_of, prefixed(of_column(0), "sine-", "the sines (even columns) ")),
        values_by(odd_of, prefixed(of_column(1), "cosine-", "the cosines (odd columns) ")),
    ),
    *values_by(odd_of, {
        "cosine-own-exponent: the cosines (odd columns) have an exponent of their own, (2i+1)/d: both columns of a pair share the denominator. Divide by `denominator`.":
            lambda k, i, d, n: k * np.float_power(n, -(2 * i + 1) / d),
        "cosine-exponent-even: the cosines (odd columns) are taken of the exponent, 2i/d: the position k, divided by the denominator, belongs there.":
            lambda k, i, d, n: 2 * i / d,
    }),
    *values_by(both_values, prefixed(naming("sine and the cosine"), message="all columns ")),
    *row_by_row(
        values_by(even_values, prefixed(naming("sine"), "sine-", "the even columns ")),
        values_by(odd_values, prefixed(naming("cosine"), "cosine-", "the odd columns ")),
    ),
    *values_by(with_columns, {
        "sin-cos-swapped: sine and cosine are swapped: sine goes to the even columns (0, 2, 4, ...).":
            lambda k, i, w: (np.cos(k * w), np.sin(k * w)),
        "sine-twice: both columns of a pair hold the sine: the odd one is the cosine.":
            lambda k, i, w: (np.sin(k * w), np.sin(k * w)),
        "cosine-twice: both columns of a pair hold the cosine: the even one is the sine.":
            lambda k, i, w: (np.cos(k * w), np.cos(k * w)),
    }),
    *values({
        "sin-cos-blocks: all sines stand in the first half and all cosines in the second: they alternate.": in_blocks,
    }),
    *properties({
        "return-in-loop: `return P` stands inside the loop, so only the first row is filled: move it to the left.": only_first_row,
    }),
    *errors({
        "division-by-zero: the denominator is 0 for i = 0: n belongs raised to a power, and n^0 = 1.": "ZeroDivisionError",
        "caret: `^` is used for a power: in Python that is `**`.": r"unsupported operand type\(s\) for \^|bitwise_xor",
        "two-arguments: np.sin or np.cos is given two things: it takes one, the position divided by the denominator.": "return arrays must be of ArrayType",
        "name-unknown: a name is used that is not known here: the position is called k, the pair's index i, and the line with `def` has d and n.": "NameError",
        "math-on-array: a function of `math` is given a whole array: use numpy's, e.g. np.sin.": "only (0-dimensional|length-1) arrays can be converted",
    }),
)  # fmt: skip


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    k, column = index
    if key == DENOMINATORS:
        return f"{case['n']:g}^({2 * column}/{case['d']})"
    wave = "cos" if column % 2 else "sin"
    return f"{wave}({k} / {case['n']:g}^({column - column % 2}/{case['d']}))"


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    return f"the denominator of pair {index[1]}" if key == DENOMINATORS else f"P[{index[0]}, {index[1]}]"


def given(case: Case) -> dict:
    P = expected(case)["P"]
    return {"denominator =": (1 / speeds(P)).tolist(), "P[k, 2 * i] =": P[:, ::2].tolist()}


parts = (
    Part("denominator", 1, ("P",), agrees=denominator_agrees, blank="denominator =", alone=(DENOMINATORS,)),
    Part("sine in the even columns", 1, ("P",), agrees=wave_is("sin", 0), blank="P[k, 2 * i] ="),
    Part("cosine in the odd columns", 1, ("P",), agrees=wave_is("cos", 1), blank="P[k, 2 * i + 1] ="),
)
hints = (
    "Work out row 1 of the worked example on paper: d = 4 and n = 100, so pair 0 is divided by 1 and pair 1 by 10.",
    "The same denominator serves both columns of a pair. It depends on i, d and n, not on the position k.",
    "The formula says n to the power 2i/d; in Python a power is `**`. The position k is divided by it, "
    "inside the sine (even column) and inside the cosine (odd column).",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, formula, given=given)
