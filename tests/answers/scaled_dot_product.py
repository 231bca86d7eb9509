SCORES = "q @ k.transpose(-2, -1) / math.sqrt(d_k)"
FILL = "scores.masked_fill(mask == 0, -9e15)"
SOFTMAX = "torch.softmax(scores, dim=-1)"
SUM = "attention @ v"
RETURN = "return values, attention"

WRONG = [
    ("scores-transposed", {SCORES: "k @ q.transpose(-2, -1) / math.sqrt(d_k)"}),
    ("scores-not-scaled", {SCORES: "q @ k.transpose(-2, -1)"}),
    ("scores-no-root", {SCORES: "q @ k.transpose(-2, -1) / d_k"}),
    ("scores-multiplied", {SCORES: "q @ k.transpose(-2, -1) * math.sqrt(d_k)"}),
    ("scores-sqrt-tokens", {SCORES: "q @ k.transpose(-2, -1) / math.sqrt(q.shape[-2])"}),
    ("scores-twice-d-k", {SCORES: "q @ k.transpose(-2, -1) / d_k ** 1 / 2"}),
    ("scores-squared", {SCORES: "q @ k.transpose(-2, -1) / d_k**2"}),
    ("scores-queries-with-queries", {SCORES: "q @ q.transpose(-2, -1) / math.sqrt(d_k)"}),
    ("scores-keys-with-keys", {SCORES: "k @ k.transpose(-2, -1) / math.sqrt(d_k)"}),
    ("scores-minus", {SCORES: "-q @ k.transpose(-2, -1) / math.sqrt(d_k)"}),
    (
        "scale-after-softmax",
        {SCORES: "q @ k.transpose(-2, -1)", SOFTMAX: "torch.softmax(scores, dim=-1) / math.sqrt(d_k)"},
    ),
    ("axes-do-not-fit", {SCORES: "q @ k.T / math.sqrt(d_k)"}),
    ("axes-do-not-fit", {SCORES: "q @ k.transpose(0, 1) / math.sqrt(d_k)"}),
    ("axes-do-not-fit", {SCORES: "q @ k / math.sqrt(d_k)"}),
    ("transpose-without-axes", {SCORES: "q @ k.transpose() / math.sqrt(d_k)"}),
    ("root-of-a-number", {SCORES: "q @ k.transpose(-2, -1) / torch.sqrt(d_k)"}),
    ("other-name", {SCORES: "Query @ k.transpose(-2, -1) / math.sqrt(d_k)"}),
    (None, {SCORES: "q @ k.transpose(-2, -1) / 3"}),
    (None, {SCORES: "q.transpose(-2, -1) @ k / math.sqrt(d_k)"}),
    (None, {SCORES: "Q @ K.T / math.sqrt(d_k)"}),  # the matrices of the hand example
    ("mask-upside-down", {FILL: "scores.masked_fill(mask == 1, -9e15)"}),
    ("mask-upside-down", {FILL: "scores.masked_fill(mask.bool(), -9e15)"}),
    ("mask-not-used", {FILL: "scores"}),
    ("mask-not-used", {FILL: "scores.masked_fill(mask == 2, -9e15)"}),
    ("filled-with-zero", {FILL: "scores.masked_fill(mask == 0, 0)"}),
    ("filled-with-zero", {FILL: "scores * mask"}),
    ("filled-with-minus-one", {FILL: "scores.masked_fill(mask == 0, -1)"}),
    ("filled-with-one", {FILL: "scores.masked_fill(mask == 0, 1)"}),
    ("filled-with-zero", {FILL: "scores.masked_fill(mask == 0, -9e-15)"}),
    ("filled-with-plus-infinity", {FILL: "scores.masked_fill(mask == 0, 9e15)"}),
    ("causal-always", {FILL: "scores.masked_fill(torch.ones_like(scores).tril() == 0, -9e15)"}),
    ("mask-not-inverted", {FILL: "scores.masked_fill(~mask, -9e15)"}),
    ("mask-not-boolean", {FILL: "scores.masked_fill(mask, -9e15)"}),
    ("mask-subtracted", {FILL: "scores - 9e15 * (1 - mask)"}),
    (None, {FILL: "scores.masked_fill(mask == 0, math.nan)"}),
    (None, {FILL: "scores.masked_fill(mask == 0, -2.5)"}),
    ("axis-0", {SOFTMAX: "torch.softmax(scores, dim=0)"}),
    ("axis-1", {SOFTMAX: "torch.softmax(scores, dim=1)"}),
    ("axis-2", {SOFTMAX: "torch.softmax(scores, dim=2)"}),
    ("columns", {SOFTMAX: "torch.softmax(scores, dim=-2)"}),
    ("no-softmax", {SOFTMAX: "scores"}),
    ("softmax-over-all", {SOFTMAX: "scores.flatten(-2).softmax(-1).reshape(scores.shape)"}),
    ("softmax-twice", {SOFTMAX: "scores.softmax(-1).softmax(-1)"}),
    ("exponential", {SOFTMAX: "torch.exp(scores)"}),
    ("sigmoid", {SOFTMAX: "torch.sigmoid(scores)"}),
    ("scores-minus", {SOFTMAX: "torch.softmax(-scores, dim=-1)"}),
    ("argmax", {SOFTMAX: "(scores == scores.amax(-1, keepdim=True)).float()"}),
    ("softmax-without-axis", {SOFTMAX: "torch.softmax(scores)"}),
    ("softmax-no-such-axis", {SOFTMAX: "torch.softmax(scores, dim=4)"}),
    ("softmax-module", {SOFTMAX: "nn.Softmax(scores)"}),
    (None, {SOFTMAX: "torch.softmax(scores, dim=-1) * 2"}),
    (
        "mask-after-softmax",
        {FILL: "scores", SOFTMAX: "torch.softmax(scores, dim=-1) * (1 if mask is None else mask)"},
    ),
    ("values-weights-transposed", {SUM: "attention.transpose(-2, -1) @ v"}),
    ("values-unweighted", {SUM: "v"}),
    ("values-mean", {SUM: "v.mean(-2, keepdim=True).expand(v.shape)"}),
    ("values-average", {SUM: "attention @ v / v.shape[-2]"}),
    (
        "values-unweighted",
        {SUM: "attention.sum(-2).unsqueeze(-1) * v * 0 + attention.sum(-1, keepdim=True) * v"},
    ),
    ("values-result-transposed", {SUM: "(attention @ v).transpose(-2, -1)"}),
    ("values-value-first", {SUM: "v.transpose(-2, -1) @ attention"}),
    ("values-weights-returned", {SUM: "attention"}),
    ("values-residual", {SUM: "attention @ v + v"}),
    ("values-keys-mixed", {SUM: "attention @ k"}),
    ("axes-do-not-fit", {SUM: "attention * v"}),
    ("other-name", {SUM: "attention @ vee"}),
    (None, {SUM: "attention @ v * 1.5"}),
    (None, {SUM: "None"}),
    ("swapped-results", {RETURN: "return attention, values"}),
    (None, {RETURN: "return values"}),
    (None, {RETURN: "pass"}),
    (None, "def scaled_dot_product(q, k, v):\n    return F.scaled_dot_product_attention(q, k, v), None"),
    (None, "scaled_dot_product = F"),
    # several at once, each named
    ("scores-no-root", {SCORES: "q @ k.transpose(-2, -1) / d_k", FILL: "scores", SUM: "v"}),
    ("values-unweighted", {SCORES: "q @ k.transpose(-2, -1) / d_k", FILL: "scores", SUM: "v"}),
]

RIGHT = [
    {SCORES: "torch.matmul(q, k.mT) / d_k**0.5"},
    {SCORES: "torch.einsum('...qd,...kd->...qk', q, k) * d_k**-0.5"},
    {SCORES: "(q / math.sqrt(d_k)) @ k.swapaxes(-1, -2)"},
    {SCORES: "(k @ q.transpose(-1, -2)).transpose(-1, -2) / math.sqrt(q.size(-1))"},
    {FILL: "scores.masked_fill(mask == 0, -math.inf)"},
    {FILL: "scores.masked_fill(~mask.bool(), float('-inf'))"},
    {FILL: "scores.masked_fill(torch.logical_not(mask), -1e9)"},
    {FILL: "torch.where(mask != 0, scores, -torch.inf)"},
    {FILL: "scores + mask.float().log()"},
    {SOFTMAX: "scores.softmax(-1)"},
    {SOFTMAX: "F.softmax(scores.double(), dim=-1).float()"},
    {SOFTMAX: "nn.Softmax(dim=-1)(scores)"},
    {
        SOFTMAX: "(scores - scores.amax(-1, keepdim=True)).exp() / (scores - scores.amax(-1, keepdim=True)).exp().sum(-1, keepdim=True)"
    },
    {SUM: "torch.matmul(attention, v)"},
    {SUM: "torch.einsum('...qk,...kd->...qd', attention, v)"},
    {SUM: "(attention.unsqueeze(-1) * v.unsqueeze(-3)).sum(-2)"},
    {SUM: "F.scaled_dot_product_attention(q, k, v, None if mask is None else mask.bool())"},
    {RETURN: "print('a print costs nothing')\n    return [values, attention]"},
    """\
def scaled_dot_product(q, k, v, mask=None):
    visible = None if mask is None else mask != 0
    identity = torch.eye(k.shape[-2]).expand(k.shape[:-1] + k.shape[-2:-1])
    attention = F.scaled_dot_product_attention(q, k, identity, visible)
    return F.scaled_dot_product_attention(q, k, v, visible), attention
""",
]
