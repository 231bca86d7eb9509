MASK = "torch.ones(n, n).tril()"
FILL = "scores.masked_fill(mask == 0, -math.inf)"
RETURN = "return mask, masked"

WRONG = [
    ("upside-down", {MASK: "torch.ones(n, n).triu()"}),
    ("size-written-out", {MASK: "torch.ones(5, 5).tril()"}),
    ("import-np", {MASK: "np.tril(np.ones((n, n)))"}),
    ("function-without-module", {MASK: "tril(torch.ones(n, n))"}),
    ("module-lacks", {MASK: "torch.tri(n)"}),
    ("tensor-for-size", {MASK: "torch.ones(scores).tril()"}),
    ("truth-of-tensor", {FILL: "scores.masked_fill(not mask, -math.inf)"}),
    ("tensor-lacks", {FILL: "scores.masked(mask == 0, -math.inf)"}),
    ("ones-are-hidden", {MASK: "torch.triu(torch.ones(n, n), diagonal=1)"}),
    (
        "ones-are-hidden",
        {MASK: "torch.triu(torch.ones(n, n), diagonal=1)", FILL: "scores.masked_fill(mask == 1, -math.inf)"},
    ),
    ("diagonal-hidden", {MASK: "torch.ones(n, n).tril(-1)"}),
    ("one-too-many", {MASK: "torch.ones(n, n).tril(1)"}),
    ("diagonal-only", {MASK: "torch.eye(n)"}),
    ("nothing-hidden", {MASK: "torch.ones(n, n)"}),
    ("all-hidden", {MASK: "torch.zeros(n, n)"}),
    ("infinity-in-mask", {MASK: "torch.full((n, n), -math.inf).triu(1)"}),
    (
        "infinity-and-ones",
        {MASK: "torch.ones(n, n).tril().masked_fill(torch.ones(n, n).triu(1) == 1, -math.inf)"},
    ),
    ("one-row", {MASK: "torch.ones(n)"}),
    ("scores-in-mask", {MASK: "torch.tril(scores)"}),
    ("not-a-size", {MASK: "torch.tril(n, n)"}),
    ("not-a-size", {MASK: "torch.tril(n)"}),
    ("vector-cut", {MASK: "torch.tril(torch.ones(n))"}),
    (None, {MASK: "torch.ones(n, n).tril() * 2"}),
    (None, {MASK: "torch.ones(n + 1, n + 1).tril()"}),
    (None, {MASK: "None"}),
    ("zero-instead", {FILL: "scores * mask"}),
    ("zero-instead", {FILL: "scores.masked_fill(mask == 0, 0)"}),
    ("zero-instead", {FILL: "scores.tril()"}),
    ("past-hidden", {FILL: "scores.masked_fill(mask == 1, -math.inf)"}),
    ("past-hidden", {FILL: "scores.masked_fill(mask.bool(), float('-inf'))"}),
    ("unchanged", {FILL: "scores"}),
    ("unchanged", {"masked = " + FILL: "scores.masked_fill(mask == 0, -math.inf)\n    masked = scores"}),
    ("mask-added", {FILL: "scores + mask"}),
    ("plus-infinity", {FILL: "scores.masked_fill(mask == 0, math.inf)"}),
    ("one-subtracted", {FILL: "scores - (1 - mask)"}),
    ("minus-one", {FILL: "scores.masked_fill(mask == 0, -1)"}),
    ("zero-instead", {FILL: "scores.masked_fill(mask == 0, -1e-9)"}),
    ("mask-filled", {FILL: "mask.masked_fill(mask == 0, -math.inf)"}),
    ("scores-lost", {FILL: "torch.zeros(n, n).masked_fill(mask == 0, -math.inf)"}),
    ("softmax-too", {FILL: "scores.masked_fill(mask == 0, -math.inf).softmax(dim=1)"}),
    ("zero-times-infinity", {FILL: "scores + (1 - mask) * -math.inf"}),
    ("zero-times-infinity", {FILL: "scores * mask + (1 - mask) * -torch.inf"}),
    ("mask-not-boolean", {FILL: "scores.masked_fill(mask, -math.inf)"}),
    ("mask-not-boolean", {FILL: "torch.where(mask, scores, -math.inf)"}),
    ("infinity-without-name", {FILL: "scores.masked_fill(mask == 0, -inf)"}),
    ("no-value", {FILL: "scores.masked_fill(mask == 0)"}),
    ("sizes-differ", {FILL: "scores.masked_fill(torch.ones(n + 1, n + 1) == 0, -math.inf)"}),
    (None, {FILL: "scores.masked_fill(mask == 0, -math.inf).T"}),
    (None, {FILL: "None"}),
    (None, {FILL: "'masked'"}),
    # both at once, each named
    ("upside-down", {MASK: "torch.ones(n, n).triu()", FILL: "scores * mask"}),
    # what was given, changed
    (None, {RETURN: "return masked"}),
    (None, {RETURN: "return masked, mask"}),
    (None, {RETURN: "pass"}),
    (None, {"n = len(scores)": "n = 5"}),
    (None, "mask_future = None"),
]

RIGHT = [
    {MASK: "torch.tril(torch.ones(n, n))"},
    {MASK: "torch.tril(torch.ones_like(scores))"},
    {MASK: "torch.ones(n, n, dtype=torch.bool).tril()"},
    {MASK: "1 - torch.triu(torch.ones(n, n), diagonal=1)"},
    {MASK: "torch.arange(n)[:, None] >= torch.arange(n)"},
    {MASK: "torch.tensor([[1 if j <= i else 0 for j in range(n)] for i in range(n)])"},
    {FILL: "scores.masked_fill(mask == 0, float('-inf'))"},
    {FILL: "torch.where(mask == 1, scores, -torch.inf)"},
    {FILL: "scores.masked_fill(~mask.bool(), -9e15)"},
    {FILL: "scores.masked_fill(mask < 0.5, torch.finfo(scores.dtype).min)"},
    {FILL: "scores + torch.log(mask)"},
    {FILL: "scores + torch.full((n, n), -math.inf).triu(1)"},
    {RETURN: "print('a print costs nothing')\n    return mask.double(), masked.double()"},
    """\
def mask_future(scores):
    mask, masked = torch.zeros(scores.shape), scores.clone()
    for i in range(len(scores)):
        for j in range(len(scores)):
            if j <= i:
                mask[i, j] = 1
            else:
                masked[i, j] = -float("inf")
    return [mask, masked]
""",
]
