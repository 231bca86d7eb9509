SOFTMAX = "torch.softmax(scores, dim=1)"
SUM = "attention @ V"
RETURN = "return values, attention"

WRONG = [
    ("columns", {SOFTMAX: "torch.softmax(scores, dim=0)"}),
    ("columns", {SOFTMAX: "scores.T.softmax(1).T"}),
    ("no-softmax", {SOFTMAX: "scores"}),
    ("softmax-over-all", {SOFTMAX: "scores.flatten().softmax(0).reshape(scores.shape)"}),
    ("softmax-over-all", {SOFTMAX: "torch.exp(scores) / torch.exp(scores).sum()"}),
    ("softmax-twice", {SOFTMAX: "scores.softmax(1).softmax(1)"}),
    ("element-wise", {SOFTMAX: "scores[:, :, None].softmax(2)[:, :, 0]"}),
    ("exponential", {SOFTMAX: "torch.exp(scores)"}),
    ("sigmoid", {SOFTMAX: "torch.sigmoid(scores)"}),
    ("log-softmax", {SOFTMAX: "torch.log_softmax(scores, dim=1)"}),
    ("minus", {SOFTMAX: "torch.softmax(-scores, dim=1)"}),
    ("divided-by-sum", {SOFTMAX: "scores / scores.sum(dim=1, keepdim=True)"}),
    ("divided-by-other-sum", {SOFTMAX: "scores.exp() / scores.exp().sum(dim=1)"}),
    ("columns", {SOFTMAX: "scores.exp() / scores.exp().sum(dim=0)"}),
    ("argmax", {SOFTMAX: "F.one_hot(scores.argmax(1), len(scores)).float()"}),
    ("transposed", {SOFTMAX: "torch.softmax(scores.T, dim=1)"}),
    ("transposed-after", {SOFTMAX: "torch.softmax(scores, dim=1).T"}),
    ("scaled-again", {SOFTMAX: "torch.softmax(scores / math.sqrt(V.shape[1]), dim=1)"}),
    ("scaled-again-by-tokens", {SOFTMAX: "torch.softmax(scores / len(scores) ** 0.5, dim=1)"}),
    ("softmax-without-axis", {SOFTMAX: "torch.softmax(scores)"}),
    ("softmax-no-such-axis", {SOFTMAX: "torch.softmax(scores, dim=2)"}),
    ("softmax-module", {SOFTMAX: "nn.Softmax(scores)"}),
    ("softmax-module", {SOFTMAX: "nn.Softmax(dim=1)"}),
    ("function-without-module", {SOFTMAX: "softmax(scores, dim=1)"}),
    ("other-name", {SOFTMAX: "torch.softmax(the_scores, dim=1)"}),
    (None, {SOFTMAX: "torch.softmax(scores / 3.3, dim=1)"}),
    (None, {SOFTMAX: "None"}),
    ("never-called-itself", {SOFTMAX: "scores.softmax"}),
    ("matrices-only", {SUM: "torch.bmm(attention, V)"}),
    ("value-called", {SUM: "attention(V)"}),
    ("tensor-lacks", {SUM: "attention.V"}),
    ("used-too-early", {SUM: "attention @ values"}),
    ("weights-transposed", {SUM: "attention.T @ V"}),
    ("unweighted", {SUM: "V"}),
    ("all-summed", {SUM: "V.sum(0).expand(V.shape)"}),
    ("mean", {SUM: "V.mean(0, keepdim=True).repeat(len(V), 1)"}),
    ("average", {SUM: "attention @ V / len(V)"}),
    ("own-weight-only", {SUM: "torch.diag(attention)[:, None] * V"}),
    ("unweighted", {SUM: "attention.sum(dim=1, keepdim=True) * V"}),
    ("unweighted", {SUM: "attention.sum(dim=1, keepdim=True) * V"}),
    ("column-sums", {SUM: "attention.sum(dim=0)[:, None] * V"}),
    ("result-transposed", {SUM: "(attention @ V).T"}),
    ("value-first", {SUM: "V.T @ attention"}),
    ("result-transposed", {SUM: "V.T @ attention.T"}),
    ("best-only", {SUM: "V[attention.argmax(1)]"}),
    ("weights-returned", {SUM: "attention"}),
    ("residual", {SUM: "V + attention @ V"}),
    ("scores-instead-of-weights", {SUM: "scores @ V"}),
    ("sizes-do-not-fit", {SUM: "V @ attention"}),
    ("sizes-do-not-fit", {SUM: "attention * V"}),
    ("dot-of-matrices", {SUM: "torch.dot(attention, V)"}),
    ("other-name", {SUM: "attention @ v"}),
    (None, {SUM: "attention @ V + 1"}),
    (None, {SUM: "None"}),
    (None, {SUM: "(attention @ V).to('meta')"}),
    # both at once, each named
    ("columns", {SOFTMAX: "torch.softmax(scores, dim=0)", SUM: "V"}),
    ("unweighted", {SOFTMAX: "torch.softmax(scores, dim=0)", SUM: "V"}),
    # what was given, changed
    ("swapped-results", {RETURN: "return attention, values"}),
    (None, {RETURN: "return values"}),
    (None, {RETURN: "pass"}),
    (None, "attention_output = 3"),
]

RIGHT = [
    {SOFTMAX: "torch.softmax(scores, dim=-1)"},
    {SOFTMAX: "F.softmax(scores, 1)"},
    {SOFTMAX: "nn.Softmax(dim=1)(scores)"},
    {SOFTMAX: "scores.exp() / scores.exp().sum(dim=1, keepdim=True)"},
    {SOFTMAX: "torch.stack([row.softmax(dim=0) for row in scores])"},
    {SOFTMAX: "scores.double().softmax(-1).float()"},
    {SUM: "torch.matmul(attention, V)"},
    {SUM: "torch.einsum('ij,jd->id', attention, V)"},
    {SUM: "attention.mm(V)"},
    {SUM: "(attention[:, :, None] * V).sum(dim=1)"},
    {SUM: "(V.T @ attention.T).T"},
    {RETURN: "print('a print costs nothing')\n    return [values.double(), attention.numpy()]"},
    """\
def attention_output(scores, V):
    values = torch.zeros(len(scores), V.shape[1])
    attention = torch.zeros(scores.shape)
    for i in range(len(scores)):
        attention[i] = torch.softmax(scores[i], 0)
        for j in range(len(V)):
            values[i] += attention[i, j] * V[j]
    return values, attention
""",
]
