"""Early stopping: end when the validation loss has not improved for some epochs in a row."""

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, values_of
from helpers.observers.early_stopping import IMPROVED, STOP, WAITED, observer


def cases(seed: int) -> list[Case]:
    """Losses that get better, stand still, get worse and better again; no streak tells the whole rule."""
    rng = np.random.default_rng(seed)
    up, down = rng.uniform(0.1, 0.3, 2).round(2)
    a = round(float(rng.uniform(1.5, 2.0)), 2)
    stories = {
        2: [a, a - down, a - down + up, a - down - 0.1, a - down, a - down + up, a, a + up],
        3: [a, a + up, a + up / 2, a - down, a - down, a - down, a - 2 * down, a, a, a - down, a],
        4: [a, a - down, a - 2 * down, a - 2 * down, a - down, a - down / 2, a - 3 * down, a, a, a, a, a],
        1: [a, a - down, a - down],
        5: [a, a - 0.0003, a - 0.0006, a, a, a, a, a, a],  # small gains are gains
    }
    # its flags are not those of another seed
    drawn = int(rng.integers(2, 4)), a + down * rng.integers(-4, 5, 14)
    return [
        {"patience": p, "losses": [round(float(x), 4) for x in losses], "label": f"patience {p}"}
        for p, losses in [*stories.items(), drawn]
    ]


def lowest_before(case: Case) -> np.ndarray:
    """The lowest loss before each epoch; infinite before the first."""
    return np.minimum.accumulate([np.inf, *case["losses"][:-1]])


def since(flags: np.ndarray) -> np.ndarray:
    """At each place, the number of places since the last True flag, 0 where it is True."""
    places = np.arange(len(flags))
    last = np.maximum.accumulate(np.where(flags.astype(bool), places, -1))
    return (places - last).astype(float)


def expected(case: Case) -> Arrays:
    improved = (np.array(case["losses"]) < lowest_before(case)).astype(float)
    waited = since(improved)
    return {IMPROVED: improved, WAITED: waited, STOP: (waited >= case["patience"]).astype(float)}


def waited_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right, or right for the student's own `improved`; a rule that keeps no such count shows it in `stop`."""
    if WAITED not in seen:
        return exercise.same(seen, wanted, STOP)
    own = seen.get(IMPROVED, np.ones_like(wanted[IMPROVED]))  # a blank left open counts as True in Python
    return exercise.close(seen[WAITED], wanted[WAITED]) or (
        own.shape == wanted[IMPROVED].shape and exercise.close(seen[WAITED], since(own))
    )


def of_own_count(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right for the student's own count."""
    own = seen.get(WAITED)
    return (
        own is not None
        and own.shape == seen[STOP].shape
        and not exercise.close(own, wanted[WAITED])
        and exercise.close(seen[STOP], (own >= case["patience"]).astype(float))
    )


def story(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The losses, the lowest before each, how long was waited, and the patience."""
    return np.array(case["losses"]), lowest_before(case), expected(case)[WAITED], case["patience"]


def steps(losses: np.ndarray) -> np.ndarray:
    """Change from the epoch before; the first has none before it and counts as better."""
    return np.diff(losses, prepend=np.inf)


misconceptions = (
    *values_of(IMPROVED, story, {
        "equal-counts: the same loss again counts as an improvement: it should be lower than the best, not as low.":
            lambda losses, before, waited, p: losses <= before,
        "higher-is-better: a higher loss counts as better: a loss should fall (an accuracy should rise).":
            lambda losses, before, waited, p: losses > before,
        "never: nothing ever counts as an improvement: compare with the best *so far*, self.best.":
            lambda losses, before, waited, p: np.zeros_like(losses),
        "always: everything counts as an improvement.":
            lambda losses, before, waited, p: np.ones_like(losses),
        "not-improved: True and False have changed places: improved is True when the loss is a new best.":
            lambda losses, before, waited, p: losses >= before,
        "previous-epoch: the loss is compared with that of the epoch before: compare it with the best of all epochs.":
            lambda losses, before, waited, p: steps(losses) < 0,
        "small-gains-lost: a small gain does not count: any loss below the best is an improvement.":
            lambda losses, before, waited, p: losses < before - 0.001,
        "equal-to-best: only the same loss as the best counts: it should be lower.":
            lambda losses, before, waited, p: losses == before,
        "compared-with-patience: the loss is compared with the patience: that is a number of epochs. Compare it with self.best.":
            lambda losses, before, waited, p: losses < p,
    }),
    *values_of(WAITED, story, {
        "never-reset: the count never goes back to 0: `in a row` means that an improvement starts it again.":
            lambda losses, before, waited, p: np.cumsum(waited > 0),
        "counts-epochs: all epochs are counted, those with an improvement too.":
            lambda losses, before, waited, p: np.arange(1, len(losses) + 1),
        "counts-improvements: the epochs *with* an improvement are counted: count those without.":
            lambda losses, before, waited, p: np.cumsum(waited == 0),
        # before the first epoch without improvement the streak began at the very start
        "roles-swapped: 0 and one more have changed places: the count starts again when there *is* an improvement.":
            lambda losses, before, waited, p: since(waited > 0),
        "one-only: the count is 1 at most: add one to what it was.":
            lambda losses, before, waited, p: waited > 0,
        "stays-zero: the count stays at 0: epochs without improvement add one.":
            lambda losses, before, waited, p: np.zeros_like(losses),
        "starts-at-one: an epoch with an improvement counts as 1: nothing has been waited for yet, so 0.":
            lambda losses, before, waited, p: waited + 1,
        "counts-down: the count goes down: it starts at 0 and goes up.":
            lambda losses, before, waited, p: -waited,
    }),
    *values_of(STOP, story, {
        "one-epoch-late: it stops one epoch too late: with `>` it waits for patience + 1 epochs.":
            lambda losses, before, waited, p: waited > p,
        "one-epoch-early: it stops one epoch too early.": lambda losses, before, waited, p: waited >= p - 1,
        "at-once: it stops at the first epoch without improvement: the patience is not asked.":
            lambda losses, before, waited, p: waited > 0,
        "upside-down: it stops while there is still patience and goes on when there is none: the comparison is the wrong way round.":
            lambda losses, before, waited, p: waited < p,
        "upside-down-with-equal: it stops while there is still patience: the comparison is the wrong way round.":
            lambda losses, before, waited, p: waited <= p,
        "only-once: it says stop in one epoch only: whoever goes on after it should hear it again, so `at least` is safer than `equal`.":
            lambda losses, before, waited, p: waited == p,
        "never-stops: it never says stop.": lambda losses, before, waited, p: np.zeros_like(losses),
        "stops-always: it always says stop.": lambda losses, before, waited, p: np.ones_like(losses),
        "stops-when-improved: it stops at an improvement: that is the moment to go on.":
            lambda losses, before, waited, p: waited == 0,
        "epochs-not-waited: it counts all epochs, not those without improvement: ask self.waited.":
            lambda losses, before, waited, p: np.arange(1, len(losses) + 1) >= p,
    }),
    *errors({
        "without-self: a name of the object is used without `self.`: write self.best, self.waited, self.patience.": r"NameError: name '(best|waited|patience)' is not|UnboundLocalError",
        "other-name: a name is looked for that the object does not have: it has self.patience, self.best and self.waited.": r"AttributeError: '\w+' object has no attribute",
        "not-a-flag: something other than True or False is returned: a comparison (with < or >=) gives one of them.": r"Unfit: (improved|stop) should be True or False",
        "count-is-none: self.waited has become None: does your line give a number in both cases?": r"'NoneType' and 'int'|NoneType.*int",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    told = ", ".join(f"{loss:g}" for loss in case["losses"][: index[0] + 1])
    return f"after the losses {told}, {key}{'' if key == WAITED else ' (1: True, 0: False)'}"


def given(case: Case) -> dict:
    right = expected(case)
    return {
        "improved =": [bool(flag) for flag in right[IMPROVED]],
        "self.waited =": [int(count) for count in right[WAITED]],
    }


parts = (
    Part("improved", 1, (IMPROVED,), blank="improved ="),
    Part("epochs waited", 1, (WAITED,), agrees=waited_agrees, blank="self.waited ="),
    Part("stop", 1, (STOP,), own=of_own_count, blank="stop ="),
)
hints = (
    "Write it down for the losses 2.0, 1.5, 1.6, 1.5, 1.7 and a patience of 3: the best so far, how long you have "
    "waited, and when you stop.",
    "`improved` and `stop` are comparisons, so they are True or False. `self.waited` has two cases: "
    "`A if improved else B` writes both in one line.",
    "improved: loss is less than self.best. self.waited: 0 if it improved, else one more than it was. stop: "
    "self.waited has reached self.patience, or is past it.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
