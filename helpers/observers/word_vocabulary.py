"""Observes build_vocabulary: what the student's object gives, whatever that is. Judged in helpers/exercises/word_vocabulary.py."""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.checks.alone import Place
from helpers.checks.arrays import CHANGED, Arrays, Case, Unfit
from helpers.checks.objects import need_function, two
from helpers.checks.observe import Observer

MISSING, NUMBERS, ENTRIES, PROBLEM = "words missing", "numbers of the words", "entries", "problem"
BACK, FOUND, SIZE = "way back", "what index_to_word holds", "entries of index_to_word"

# An observation holds numbers only, so what is found instead of a word or a number has a code.
TEXT, NOT_WHOLE = 1, 2  # PROBLEM: word_to_index holds text, or something else that is no whole number
NOTHING, A_NUMBER, A_LETTER, A_PAIR, OTHER, NO_INDEXING = -1, -2, -3, -4, -5, -6  # FOUND
WORD_KEYS, TEXT_KEYS = -7, -8  # FOUND: there is no entry, and the keys are the words, or other text


def vocabulary(case: Case) -> list[str]:
    """The different words in order of first appearance."""
    tokens = np.array(" ".join(case["sentences"]).split())
    first = np.unique(tokens, return_index=True)[1]
    return tokens[np.sort(first)].tolist()


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def build_vocabulary(...)")
    sentences, names = list(case["sentences"]), "word_to_index, index_to_word"
    there, back = two(obj(sentences), names, "build_vocabulary", "things")
    if not isinstance(there, Mapping):
        raise Unfit(f"word_to_index should be a dictionary but is a {type(there).__name__}.")
    if there and all(hasattr(key, "__index__") for key in there):
        raise Unfit("The two maps are swapped: return word_to_index first, then index_to_word.")
    words = vocabulary(case)
    seen = {
        MISSING: np.array(float(sum(word not in there for word in words))),
        ENTRIES: np.array(float(len(there))),
        PROBLEM: np.array(0.0),
    }
    numbers = [there.get(word, -1) for word in words]
    if not any(number is ... for number in numbers):  # left blank: no numbers and no problem
        try:
            if any(hasattr(number, "requires_grad") for number in numbers):
                raise TypeError("a tensor is found in a dict by what it is, not by its number")
            seen[NUMBERS] = np.array([float(operator.index(number)) for number in numbers])
        except TypeError:
            seen[PROBLEM] = np.array(float(TEXT if isinstance(numbers[0], str) else NOT_WHOLE))
    if sentences != list(case["sentences"]):
        seen[f"{CHANGED}sentences"] = np.array(1.0)
    if back is not ...:
        seen |= the_way_back(words, there, back)
    return seen


def the_way_back(words: list[str], there: Mapping, back: Any) -> dict[str, np.ndarray]:
    """Whether `back` leads from each word's number to a word of that number, and what stands there instead."""
    flags, found = [], []
    for word in words:
        result, kind = entry(back, there.get(word), words)
        found.append(kind)
        # two words of the same number are the fault of the numbering, not of the way back
        # and a word that is missing has no way to lead back
        flags.append(
            isinstance(result, str) and there.get(result) == there[word]
            if word in there
            else any(w in there for w in words)
        )
    size = len(back) if hasattr(back, "__len__") else -1
    return {
        BACK: np.array(flags, dtype=float),
        FOUND: np.array(found, dtype=float),
        SIZE: np.array(float(size)),
    }


def entry(back: Any, number: Any, words: list[str]) -> tuple[Any, int]:
    """What stands at `number` in `back`, and its code: its place among the words, or one of the codes above."""
    try:
        result = back[number]
    except (KeyError, IndexError):
        keys = list(back) if isinstance(back, Mapping) else []
        if keys and all(isinstance(key, str) for key in keys):
            return None, WORD_KEYS if set(keys) & set(words) else TEXT_KEYS
        return None, NOTHING
    except TypeError:
        return None, NO_INDEXING
    if isinstance(result, str):
        return result, words.index(result) if result in words else A_LETTER if len(result) == 1 else OTHER
    if isinstance(result, tuple):
        return result, A_PAIR
    return result, A_NUMBER if hasattr(result, "__index__") else OTHER


places = {
    "word_to_index[word] =": Place(
        "word_to_index[word]", above=lambda value, local: value[len(local["word_to_index"])]
    ),
    "index_to_word =": Place("index_to_word"),
}
observer = Observer("build_vocabulary", observe, places)
