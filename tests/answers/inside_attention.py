SCORES = "q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5"
SOFTMAX = "scores.softmax(dim=-1)"
RETURN = "return scores, A"

WRONG = [
    ("no-scale", {SCORES: "q @ k.transpose(-2, -1)"}),
    ("other-divisor", {SCORES: "q @ k.transpose(-2, -1) / (D // heads) ** 0.5"}),
    ("other-divisor", {SCORES: "q @ k.transpose(-2, -1) * block.attn.scale"}),
    ("wrong-axes-meet", {SCORES: "q.transpose(-2, -1) @ k"}),
    ("matrices-only", {SCORES: "torch.bmm(q, k)"}),
    ("matrices-only", {SCORES: "q @ k.t()"}),
    ("value-called", {SCORES: "q @ k.T() / 8"}),
    ("number-for-tensor", {SCORES: "q @ k.transpose(-2, -1) / torch.sqrt(q.shape[-1])"}),
    ("import-math", {SCORES: "q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])"}),
    ("import-F", {SOFTMAX: "F.softmax(scores, dim=-1)"}),
    ("import-nn", {SOFTMAX: "nn.Softmax(-1)(scores)"}),
    ("object-lacks", {SOFTMAX: "found.softmax(-1)"}),
    ("no-root", {SCORES: "q @ k.transpose(-2, -1) / q.shape[-1]"}),
    ("multiplied", {SCORES: "q @ k.transpose(-2, -1) * q.shape[-1] ** 0.5"}),
    ("sqrt-emb-size", {SCORES: "q @ k.transpose(-2, -1) / (q.shape[1] * q.shape[-1]) ** 0.5"}),
    ("sqrt-tokens", {SCORES: "q @ k.transpose(-2, -1) / q.shape[2] ** 0.5"}),
    ("sqrt-heads", {SCORES: "q @ k.transpose(-2, -1) / q.shape[1] ** 0.5"}),
    ("keys-first", {SCORES: "k @ q.transpose(-2, -1) / q.shape[-1] ** 0.5"}),
    ("queries-with-queries", {SCORES: "q @ q.transpose(-2, -1) / q.shape[-1] ** 0.5"}),
    ("softmax-too-early", {SCORES: "(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)"}),
    ("sqrt-64", {SCORES: "q @ k.transpose(-2, -1) / 64 ** 0.5"}),
    ("not-transposed", {SCORES: "q @ k / q.shape[-1] ** 0.5"}),
    (None, {SCORES: "q @ k.transpose(-2, -1) / 7"}),
    (None, {SCORES: "None"}),
    (None, {SCORES: "q @ k.transpose(-2, -1) * float('nan')"}),
    ("columns", {SOFTMAX: "scores.softmax(dim=-2)"}),
    ("softmax-heads", {SOFTMAX: "scores.softmax(dim=1)"}),
    ("softmax-batch", {SOFTMAX: "scores.softmax(dim=0)"}),
    ("no-softmax", {SOFTMAX: "scores"}),
    ("softmax-twice", {SOFTMAX: "scores.softmax(dim=-1).softmax(dim=-1)"}),
    ("exponential", {SOFTMAX: "scores.exp()"}),
    ("sigmoid", {SOFTMAX: "torch.sigmoid(scores)"}),
    ("log-softmax", {SOFTMAX: "scores.log_softmax(dim=-1)"}),
    ("minus", {SOFTMAX: "torch.softmax(-scores, dim=-1)"}),
    ("divided-by-sum", {SOFTMAX: "scores / scores.sum(dim=-1, keepdim=True)"}),
    ("argmax", {SOFTMAX: "(scores == scores.amax(dim=-1, keepdim=True)).float()"}),
    ("transposed-after", {SOFTMAX: "scores.softmax(dim=-1).transpose(-2, -1)"}),
    ("scaled-twice", {SOFTMAX: "torch.softmax(scores / q.shape[-1] ** 0.5, dim=-1)"}),
    (
        "scaled-after",
        {SOFTMAX: "(q @ k.transpose(-2, -1)).softmax(dim=-1) / q.shape[-1] ** 0.5"},
    ),
    ("softmax-without-axis", {SOFTMAX: "torch.softmax(scores)"}),
    ("softmax-no-such-axis", {SOFTMAX: "scores.softmax(dim=4)"}),
    ("layer-not-called", {SOFTMAX: "torch.nn.Softmax(dim=-1)"}),
    ("softmax-module", {SOFTMAX: "torch.nn.Softmax(scores)"}),
    ("function-without-module", {SOFTMAX: "softmax(scores, dim=-1)"}),
    (None, {SOFTMAX: "torch.softmax(scores / 3.3, dim=-1)"}),
    (None, {SOFTMAX: "None"}),
    (None, {SOFTMAX: "scores.softmax(dim=-1).to('meta')"}),
    # both at once, each named
    ("no-scale", {SCORES: "q @ k.transpose(-2, -1)", SOFTMAX: "scores.softmax(dim=1)"}),
    (None, {RETURN: "return A"}),
    (None, {RETURN: "pass"}),
    (None, "attention_weights = 3"),
]

RIGHT = [
    {SCORES: "torch.einsum('bhqd,bhkd->bhqk', q, k) / q.shape[-1] ** 0.5"},
    {SCORES: "(q / q.size(-1) ** 0.5) @ k.mT"},
    {SCORES: "torch.matmul(q, k.permute(0, 1, 3, 2)) * q.shape[3] ** -0.5"},
    {SCORES: "(q[:, :, :, None] * k[:, :, None]).sum(dim=-1) / torch.tensor(q.shape[-1]).sqrt()"},
    {SOFTMAX: "torch.softmax(scores, dim=3)"},
    {SOFTMAX: "torch.nn.Softmax(dim=-1)(scores)"},
    {SOFTMAX: "scores.exp() / scores.exp().sum(dim=-1, keepdim=True)"},
    {SOFTMAX: "scores.double().softmax(-1)"},
    {RETURN: "print('a print costs nothing')\n    return [scores.double(), A.numpy()]"},
    """\
import math
import warnings

def attention_weights(q, k):
    warnings.warn("a warning costs nothing")
    scores = torch.stack([torch.stack([a @ b.T / math.sqrt(a.shape[1]) for a, b in zip(*pair)]) for pair in zip(q, k)])
    return scores, torch.stack([image.softmax(-1) for image in scores])
""",
]
