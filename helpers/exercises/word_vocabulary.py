"""Word embedding, step 1: every different word gets a number, and the number leads back to the word."""

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values, values_by
from helpers.observers import word_vocabulary as codes
from helpers.observers.word_vocabulary import (
    BACK,
    ENTRIES,
    FOUND,
    MISSING,
    NUMBERS,
    PROBLEM,
    SIZE,
    observer,
    vocabulary,
)

POOL = "tall ships bring us fresh news from far green islands where old trees sing quietly all night".split()


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = [
        {
            "sentences": ["I love artificial intelligence", "I like computational intelligence"],
            "label": "the two sentences",
        }
    ]
    for lengths, different in (((5, 3, 4), 8), ((4, 6, 2, 5), 11)):
        words = rng.permutation(POOL)[:different]
        tokens = [*words, *rng.choice(words, sum(lengths) - different)]
        tokens = [tokens[i] for i in rng.permutation(len(tokens))]
        tokens[-1] = tokens[0]  # a word that comes back in the last sentence
        ends = np.cumsum(lengths)
        sentences = [" ".join(tokens[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
        made.append({"sentences": sentences, "label": f"build_vocabulary({sentences})"})
    return made


def expected(case: Case) -> Arrays:
    count = len(vocabulary(case))
    return {
        MISSING: np.array(0.0),
        NUMBERS: np.arange(count, dtype=float),
        ENTRIES: np.array(float(count)),
        BACK: np.ones(count),
    }


def numbered(number: Callable[[str, int, Case], Any]) -> Callable[[Case], Arrays]:
    """Values for a wrong number: `number(word, i, case)` for the word that appears as i-th new one."""
    return lambda case: {
        NUMBERS: np.array([float(number(word, i, case)) for i, word in enumerate(vocabulary(case))])
    }


def home(word: str, case: Case) -> tuple[int, list[str]]:
    """The sentence in which a word appears first: its number and its words."""
    split = [sentence.split() for sentence in case["sentences"]]
    return next((i, tokens) for i, tokens in enumerate(split) if word in tokens)


def in_order(order: Callable[[Case], list[str]]) -> Callable[[Case], Arrays]:
    """Values for words that are numbered in another order: `order(case)` lists them."""
    return lambda case: {NUMBERS: np.array([float(order(case).index(word)) for word in vocabulary(case)])}


def side_by_side(case: Case) -> list[str]:
    """The words as the slides count them: the first words of all sentences, then the second ones, ..."""
    split = [sentence.split() for sentence in case["sentences"]]
    columns = [tokens[i] for i in range(max(map(len, split))) for tokens in split if i < len(tokens)]
    return vocabulary({"sentences": [" ".join(columns)]})


def last_place(case: Case, distinct: bool) -> list[float]:
    """What `word_to_index` holds if a known word gets a new number each time it comes again."""
    known: dict[str, float] = {}
    for place, word in enumerate(" ".join(case["sentences"]).split()):
        known[word] = float(len(known) if distinct else place)
    return [known[word] for word in vocabulary(case)]


def holds(kind: int) -> Callable[[Case], Arrays]:
    """Values for an index_to_word that has the same wrong thing for every number."""
    return lambda case: {FOUND: np.full(len(vocabulary(case)), float(kind))}


def words_at(order: Callable[[list[str]], list[str | None]]) -> Callable[[Case], Arrays]:
    """Values for an index_to_word in which other words stand: `order(words)` lists them by number."""

    def produces(case: Case) -> Arrays:
        words = vocabulary(case)
        found = [codes.NOTHING if word is None else words.index(word) for word in order(words)]
        return {FOUND: np.array(found, dtype=float)}

    return produces


def problem(kind: int) -> Callable[[Case], Arrays]:
    return lambda case: {PROBLEM: np.array(float(kind))}


misconceptions = (
    *values_by(numbered, {
        "from-one: the numbers start at 1: the first word has number 0.": lambda word, i, case: i + 1,
        "from-minus-one: the numbers start at -1: the first word has number 0, so nothing is taken off.":
            lambda word, i, case: i - 1,
    }),
    *values_by(lambda n: numbered(lambda word, i, case: n), {
        f"always-{n}: every word gets the same number, {n}: each needs one of its own.": n for n in (0, 1)
    }),
    *values_by(numbered, {
        "word-length: the letters of the word are counted: its number is the count of words that the vocabulary holds so far.":
            lambda word, i, case: len(word),
        "sentence-length: the letters of the sentence are counted: count the words that the vocabulary holds so far.":
            lambda word, i, case: len(case["sentences"][home(word, case)[0]]),
        "words-in-sentence: the words of the sentence are counted: count those that the vocabulary holds so far.":
            lambda word, i, case: len(home(word, case)[1]),
        "sentence-count: the sentences are counted: count the words that the vocabulary holds so far.":
            lambda word, i, case: len(case["sentences"]),
        "place-in-sentence: a word's place in its own sentence is taken, so the counting starts anew with each sentence.":
            lambda word, i, case: home(word, case)[1].index(word),
        "letter-place: the place of the word's first letter in the sentence is taken: count words, not letters.":
            lambda word, i, case: case["sentences"][home(word, case)[0]].index(word),
        "number-of-sentence: a word gets the number of its sentence: words of one sentence then share a number.":
            lambda word, i, case: home(word, case)[0],
        "doubled: every second number is left out: count on by one.": lambda word, i, case: 2 * i,
    }),
    *values_by(in_order, {
        "alphabetical: the words are numbered in the order of the alphabet: here it is the order in which they first appear.":
            lambda case: sorted(vocabulary(case)),
        "side-by-side: the sentences are read side by side, as in the slides: here one sentence is read after the other.": side_by_side,
    }),
    *values({
        "renumbered-place: a word that comes again gets a new number: keep the line `if word not in word_to_index`.":
            lambda case: {NUMBERS: np.array(last_place(case, distinct=False))},
        "renumbered: a word that comes again gets a new number: keep the line `if word not in word_to_index`.":
            lambda case: {NUMBERS: np.array(last_place(case, distinct=True))},
    }),
    *values_by(problem, {
        "text-for-number: text is stored for each word: what is wanted is its number.": codes.TEXT,
        "not-whole: what is stored for a word is no whole number: it will be the number of a row, so it must be an int.": codes.NOT_WHOLE,
    }),
    *values({
        "letters: single letters are numbered: keep `sentence.split()`, which cuts a sentence into words.":
            lambda case: {
                MISSING: np.array(float(sum(len(word) > 1 for word in vocabulary(case)))),
                ENTRIES: np.array(float(len(set("".join(case["sentences"]))))),
            },
        "lower-case: the words are changed to lower case: take them as they are.":
            lambda case: {
                MISSING: np.array(float(sum(word != word.lower() for word in vocabulary(case)))),
                ENTRIES: np.array(float(len({word.lower() for word in vocabulary(case)}))),
            },
    }),
    # the way back
    *values_by(holds, {
        "text-keys: the keys of index_to_word are text: they should be the whole numbers of word_to_index.": codes.TEXT_KEYS,
        "not-inverted: index_to_word is still looked up by word: the number should be the key and the word the value.": codes.WORD_KEYS,
        "numbers-back: index_to_word gives numbers: it should give words.": codes.A_NUMBER,
        "letters-back: index_to_word is one long text, so a number picks a letter: it should pick a word.": codes.A_LETTER,
        "pairs-back: index_to_word gives pairs of number and word: it should give the word alone.": codes.A_PAIR,
        "no-indexing: index_to_word can't be asked by number at all, as a set, a `.keys()` or a `zip` can't: make it a dictionary.": codes.NO_INDEXING,
        "empty-back: index_to_word has nothing under these numbers, or is empty: each number of word_to_index needs its entry.": codes.NOTHING,
    }),
    *values_by(words_at, {
        "sorted-back: the words of index_to_word are sorted, so they no longer stand at their own numbers.": sorted,
        "reversed-back: the words of index_to_word run backwards.": lambda words: words[::-1],
        "back-from-one: the numbers of index_to_word are one too high: they should be those of word_to_index.":
            lambda words: [None, *words[:-1]],
        "back-shifted: the numbers of index_to_word are one too low: they should be those of word_to_index.":
            lambda words: [*words[1:], None],
    }),
    *properties({
        "one-sentence-back: index_to_word holds the words of one sentence only, or all words with their repetitions.":
            lambda seen, wanted, case: (
                FOUND in seen
                and float(seen[MISSING]) == 0
                and float(seen[SIZE])
                in {float(len(s.split())) for s in [*case["sentences"], " ".join(case["sentences"])]}
                and bool((seen[FOUND] >= codes.NOTHING).all())
            ),
    }),
    *errors({
        "name-unknown: a name is used that nothing has been stored in at this place: the names at hand are those of the lines above.": "NameError|UnboundLocalError",
        "asked-too-early: the word is looked up before it has been stored: its number has to come from somewhere else.": "KeyError",
        "dict-index: a dictionary is asked for `.index`: only lists have it.": "'dict' object has no attribute 'index'",
        "max-of-nothing: the largest of no numbers is asked for: for the first word there is none yet. How many words there are needs no largest.": r"(max\(\)|max\(\) arg|iterable argument).*(empty)",
        "no-items: a dictionary is walked through for pairs: by itself it gives its keys only, `.items()` gives pairs.": r"too many values to unpack|not enough values to unpack|cannot unpack non-iterable",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key in (NUMBERS, BACK):
        word = vocabulary(case)[index[0]]
        there = f"word_to_index[{word!r}]"
        return there if key == NUMBERS else f"index_to_word[{there}] == {word!r}"
    counts = {MISSING: "the count of words that are missing", ENTRIES: "the count of words in word_to_index"}
    return counts[key]


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    return {
        BACK: "True",
        NUMBERS: "the count of new words before it",
        ENTRIES: "the count of different words",
        MISSING: "none",
    }[key]


def given(case: Case) -> dict:
    return {"word_to_index[word] =": list(range(len(vocabulary(case))))}


parts = (
    Part("number of each word", 1, (MISSING, NUMBERS, ENTRIES), blank="word_to_index[word] ="),
    Part("way back from number to word", 1, (BACK,), blank="index_to_word ="),
)
hints = (
    "Go through the first sentence by hand. How many words does word_to_index hold when `I` arrives? And when `love` arrives?",
    "A new word's number is the count of words that are in already: 0 for the first, then 1, 2, ... "
    "For the way back, keys and values change places.",
    "`len` of a dictionary is the count of its entries. For index_to_word, a dictionary comprehension over "
    "`word_to_index.items()` gives you word and number of each entry: write the number in front of the colon and the word behind it.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, formula, given=given)
