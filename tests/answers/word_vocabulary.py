NUMBER = "len(word_to_index)"
INVERSE = "{index: word for word, index in word_to_index.items()}"
TEST = "if word not in word_to_index:"
RETURN = "return word_to_index, index_to_word"

WRONG = [
    ("from-one", {NUMBER: "len(word_to_index) + 1"}),
    ("from-minus-one", {NUMBER: "len(word_to_index) - 1"}),
    ("always-0", {NUMBER: "0"}),
    ("always-1", {NUMBER: "1"}),
    ("word-length", {NUMBER: "len(word)"}),
    ("sentence-length", {NUMBER: "len(sentence)"}),
    ("words-in-sentence", {NUMBER: "len(sentence.split())"}),
    ("sentence-count", {NUMBER: "len(sentences)"}),
    ("place-in-sentence", {NUMBER: "sentence.split().index(word)"}),
    ("letter-place", {NUMBER: "sentence.find(word)"}),
    ("number-of-sentence", {NUMBER: "sentences.index(sentence)"}),
    ("doubled", {NUMBER: "2 * len(word_to_index)"}),
    ("text-for-number", {NUMBER: "word"}),
    ("text-for-number", {NUMBER: "str(len(word_to_index))"}),
    ("not-whole", {NUMBER: "float(len(word_to_index))"}),
    ("not-whole", {NUMBER: "None"}),
    ("not-whole", {NUMBER: "len"}),
    ("not-whole", {NUMBER: "[len(word_to_index)]"}),
    ("not-whole", {NUMBER: "__import__('torch').tensor(len(word_to_index))"}),
    ("name-unknown", {NUMBER: "index"}),
    ("name-unknown", {NUMBER: "i"}),
    ("list-called", {NUMBER: "sentences(0)"}),
    ("asked-too-early", {NUMBER: "word_to_index[word] + 1"}),
    ("dict-index", {NUMBER: "word_to_index.index(word)"}),
    ("max-of-nothing", {NUMBER: "max(word_to_index.values()) + 1"}),
    (None, {NUMBER: "hash(word)"}),
    (None, {NUMBER: "word_to_index[-1]", TEST: "if True:"}),
    # the way back
    ("not-inverted", {INVERSE: "word_to_index"}),
    ("not-inverted", {INVERSE: "{index: word for index, word in word_to_index.items()}"}),
    ("not-inverted", {INVERSE: "{word: index for word, index in word_to_index.items()}"}),
    ("numbers-back", {INVERSE: "{index: index for word, index in word_to_index.items()}"}),
    ("numbers-back", {INVERSE: "list(word_to_index.values())"}),
    ("letters-back", {INVERSE: "'A text that is long enough for all'.replace(' ', '')"}),
    ("pairs-back", {INVERSE: "list(enumerate(word_to_index))"}),
    ("pairs-back", {INVERSE: "list(word_to_index.items())"}),
    ("no-indexing", {INVERSE: "word_to_index.keys()"}),
    ("no-indexing", {INVERSE: "set(word_to_index)"}),
    ("no-indexing", {INVERSE: "zip(word_to_index.values(), word_to_index)"}),
    ("no-indexing", {INVERSE: "None"}),
    ("empty-back", {INVERSE: "{}"}),
    ("empty-back", {INVERSE: "[]"}),
    ("sorted-back", {INVERSE: "sorted(word_to_index)"}),
    ("reversed-back", {INVERSE: "list(word_to_index)[::-1]"}),
    ("back-from-one", {INVERSE: "dict(enumerate(word_to_index, start=1))"}),
    ("back-shifted", {INVERSE: "list(word_to_index)[1:]"}),
    ("one-sentence-back", {INVERSE: "sentence.split()"}),
    ("one-sentence-back", {INVERSE: "' '.join(sentences).split()"}),
    ("no-items", {INVERSE: "{index: word for word, index in word_to_index}"}),
    ("text-keys", {INVERSE: "{str(index): word for word, index in word_to_index.items()}"}),
    (None, {INVERSE: "{index: word.upper() for word, index in word_to_index.items()}"}),
    (None, {INVERSE: "len(word_to_index)"}),
    (None, {INVERSE: "{0: word}"}),
    # both, each named
    ("from-one", {NUMBER: "len(word_to_index) + 1", INVERSE: "word_to_index"}),
    ("not-inverted", {NUMBER: "len(word_to_index) + 1", INVERSE: "word_to_index"}),
    # what was given, changed
    ("renumbered", {TEST: "if True:"}),
    (
        "renumbered-place",
        """\
def build_vocabulary(sentences):
    word_to_index = {word: i for i, word in enumerate(" ".join(sentences).split())}
    return word_to_index, {i: word for word, i in word_to_index.items()}
""",
    ),
    (
        "alphabetical",
        """\
def build_vocabulary(sentences):
    words = sorted({word for sentence in sentences for word in sentence.split()})
    return {word: i for i, word in enumerate(words)}, words
""",
    ),
    (
        "side-by-side",
        """\
from itertools import zip_longest

def build_vocabulary(sentences):
    columns = zip_longest(*[sentence.split() for sentence in sentences])
    words = list(dict.fromkeys(word for column in columns for word in column if word))
    return {word: i for i, word in enumerate(words)}, words
""",
    ),
    ("letters", {"sentence.split()": "sentence"}),  # letters
    ("lower-case", {"sentence.split()": "sentence.lower().split()"}),
    (None, {"sentence.split()": "sentence.split()[1:]"}),
    (None, {RETURN: "return word_to_index"}),
    (None, {RETURN: "return index_to_word, word_to_index"}),
    (None, {RETURN: "return list(word_to_index), index_to_word"}),
    (None, {RETURN: "pass"}),
    (None, {RETURN: "word_to_index['<unk>'] = -1\n    return word_to_index, index_to_word"}),
    (None, "build_vocabulary = 3\n"),
    (None, "def build_vocabulary():\n    return {}, {}\n"),
]

RIGHT = [
    {NUMBER: "len(word_to_index.keys())"},
    {NUMBER: "max(word_to_index.values(), default=-1) + 1"},
    {NUMBER: "sum(1 for _ in word_to_index)"},
    {NUMBER: "np.int64(len(word_to_index))", "def build": "import numpy as np\ndef build"},
    {NUMBER: "torch.tensor(len(word_to_index)).item()"},
    {INVERSE: "dict(enumerate(word_to_index))"},
    {INVERSE: "list(word_to_index)"},
    {INVERSE: "tuple(word_to_index.keys())"},
    {INVERSE: "dict(zip(word_to_index.values(), word_to_index.keys()))"},
    {INVERSE: "{word_to_index[word]: word for word in word_to_index}"},
    {INVERSE: "np.array(list(word_to_index))", "def build": "import numpy as np\ndef build"},
    {RETURN: "return [word_to_index, index_to_word]"},
    """\
def build_vocabulary(sentences):
    words = list(dict.fromkeys(" ".join(sentences).split()))
    print("a print costs nothing")
    return {word: number for number, word in enumerate(words)}, words
""",
    """\
import warnings
from collections import defaultdict
from itertools import count

def build_vocabulary(sentences):
    warnings.warn("nor does a warning")
    numbers = defaultdict(count().__next__)
    for sentence in sentences:
        for word in sentence.split():
            numbers[word]
    return dict(numbers), {number: word for word, number in numbers.items()}
""",
]
