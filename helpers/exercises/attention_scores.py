"""Alignment scores and their scaling: Q K^T and Q K^T / sqrt(d_k), for one sentence and one head."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, values, values_of
from helpers.observers.attention_scores import SCALED, E, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = [(5, 3), (4, 7), (6 + int(rng.integers(3)), 2)]
    return [
        {"Q": tensor(rng, n, d_k), "K": tensor(rng, n, d_k), "label": f"n = {n} tokens, d_k = {d_k}"}
        for n, d_k in sizes
    ]


def scores(case: Case) -> torch.Tensor:
    return torch.inner(case["Q"], case["K"])


def expected(case: Case) -> Arrays:
    right = scores(case)
    root = F.normalize(torch.ones(case["Q"].shape[1]), dim=0)[0]
    return {E: to_array(right, E), SCALED: to_array(root * right, SCALED)}


def of_own_scores(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right for the student's own E."""
    return (
        E in seen
        and exercise.close(seen[SCALED] ** 2 * case["Q"].shape[1], seen[E] ** 2)
        and bool((np.sign(seen[SCALED]) == np.sign(seen[E])).all())
    )


def to_scale(case: Case) -> tuple[torch.Tensor, int, int]:
    """The right scores, n and d_k."""
    return scores(case), *case["Q"].shape


misconceptions = (
    *values({
        "in-place: E itself is scaled: it was divided in its own line already, or by `/=` or a function that ends in `_`, which write into E. Keep E as it is and make a new matrix for `scaled`.":
            lambda case: {E: expected(case)[SCALED], SCALED: expected(case)[SCALED]},
        "scaled-twice: the scores are divided by sqrt(d_k) twice: once in E already, and once more in `scaled`.":
            lambda case: {
                E: expected(case)[SCALED],
                SCALED: to_array(scores(case) / case["Q"].shape[1], SCALED),
            },
    }),
    *values_of(E, ("Q", "K"), {
        "transposed: the keys ask the queries: in E queries go down (rows) and keys go across (columns), so Q comes first.":
            lambda Q, K: torch.inner(K, Q),
        "wrong-axis-summed: the tokens are summed and the numbers of a query are left: transpose the keys, not the queries.":
            lambda Q, K: F.linear(Q.T, K.T),
        "wrong-axis-summed-keys-first: the tokens are summed and the numbers of a key are left: Q comes first, and the keys are transposed.":
            lambda Q, K: F.linear(K.T, Q.T),
        "element-wise: queries and keys are multiplied entry by entry (`*`): every query should meet every key.":
            torch.mul,
        "own-key-only: each query meets its own key only: all n x n pairs are wanted.":
            lambda Q, K: torch.mul(Q, K).sum(1),
        "queries-with-queries: queries meet queries: the keys K are not used.":
            lambda Q, K: torch.inner(Q, Q),
        "keys-with-keys: keys meet keys: the queries Q are not used.": lambda Q, K: torch.inner(K, K),
        "cosine: the vectors are made unit length first: a score is the plain dot product.":
            lambda Q, K: F.cosine_similarity(Q[:, None], K[None], dim=2),
        "distance: these are distances between queries and keys: a score is their dot product.":
            lambda Q, K: torch.cdist(Q, K),
        "minus: the scores have the wrong sign.": lambda Q, K: torch.inner(-Q, K),
        "scaled-already: E is divided by sqrt(d_k) already: that comes in the next line.":
            lambda Q, K: torch.inner(Q, K) * Q.shape[1] ** -0.5,
    }),
    *values_of(SCALED, to_scale, {
        "not-scaled: the scores are not divided at all: divide by sqrt(d_k).": lambda e, n, d_k: e,
        "no-root: the scores are divided by d_k: the square root is missing.": lambda e, n, d_k: e / d_k,
        "sqrt-tokens: the scores are divided by sqrt(n), the number of tokens: what is summed in a score are d_k products.":
            lambda e, n, d_k: e / n**0.5,
        "tokens: the scores are divided by n: divide by sqrt(d_k).": lambda e, n, d_k: e / n,
        "multiplied: the scores are multiplied by sqrt(d_k): divide by it.": lambda e, n, d_k: e * d_k**0.5,
        "squared: the scores are divided by d_k squared: take the root.": lambda e, n, d_k: e / d_k**2,
        "half-d-k: the scores are divided by d_k / 2: the square root is `** 0.5`, or math.sqrt.":
            lambda e, n, d_k: e / (d_k / 2),
        "twice-d-k: the scores are divided by d_k and by 2: Python reads `E / d_k ** 1 / 2` from the left. Write `** 0.5`.":
            lambda e, n, d_k: e / d_k / 2,
        "fixed-number: the scores are divided by sqrt(2) whatever the size: use the d_k of this Q.":
            lambda e, n, d_k: e / 2**0.5,
        "fixed-3: the scores are divided by sqrt(3) whatever the size: use the d_k of this Q.": lambda e, n, d_k: e / 3**0.5,
        "fixed-64: the scores are divided by 8, the root of 64, whatever the size: use the d_k of this Q.": lambda e, n, d_k: e / 8,
        "turned-over: the root is divided by the scores: it is the scores that are divided.": lambda e, n, d_k: d_k**0.5 / e,
        "sqrt-d: the scores are divided by sqrt(10), the size of a token: use the d_k of this Q.":
            lambda e, n, d_k: e / 10**0.5,
        "softmax-too: a softmax was taken too: that comes two steps later.":
            lambda e, n, d_k: (e * d_k**-0.5).softmax(1),
        "root-of-scores: the root is taken of the scores, or of the whole fraction: only d_k stands under the root.":
            lambda e, n, d_k: (e / d_k).sqrt(),
    }),
    *errors({
        "not-transposed: the sizes do not fit: (n, d_k) times (n, d_k) is no product. Which of the two has to be transposed?": r"shapes cannot be multiplied|size mismatch|must match the size of tensor",
        "dot-of-matrices: torch.dot is given matrices: it takes two vectors. All pairs at once are a product of matrices, `@`.": "1D tensors expected|vector, matrix, or other",
        "root-of-a-number: torch.sqrt is given a plain number: use math.sqrt, or `** 0.5`.": r"sqrt\(\): argument 'input' .* must be Tensor, not (int|float)",
        "root-of-a-tensor: math.sqrt is given a whole tensor: take the root of d_k, which is a number.": "only (one element|single.element) tensors? can be converted|a Tensor with \\d+ elements cannot be converted",
        "other-name: a name is used that this function does not know: its inputs are Q and K, and d_k is given.": "NameError",
    }),
)  # fmt: skip


def given(case: Case) -> dict:
    return {"E =": scores(case)}


parts = (
    Part("alignment scores", 1, (E,), blank="E ="),
    Part("scaling", 1, (SCALED,), own=of_own_scores, blank="scaled ="),
)
hints = (
    "Check the shapes: (n, d_k) times what gives (n, n)? The rule is (rows, a) times (a, columns).",
    "The keys have to be transposed, so that (n, d_k) meets (d_k, n). In Python the product of two matrices is `@`.",
    "E is Q times the transposed K (a matrix knows its transposed as `.T`). For `scaled`, divide E by the square "
    "root of d_k, which math.sqrt gives.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
