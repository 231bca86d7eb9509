E_LINE = "Q @ K.T"
SCALE = "E / math.sqrt(d_k)"
RETURN = "return E, scaled"

WRONG = [
    ("transposed", {E_LINE: "K @ Q.T"}),
    ("value-called", {E_LINE: "Q @ K.T()"}),
    ("not-transposed", {E_LINE: "torch.mm(Q, K)"}),
    ("never-called-itself", {E_LINE: "Q @ K.t"}),
    ("order-of-axes", {E_LINE: "Q @ K.transpose()"}),
    ("einsum-letters", {E_LINE: "torch.einsum('ij,jk->ik', Q, K)"}),
    ("import-np", {E_LINE: "np.dot(Q, K.T)"}),
    ("tensor-for-size", {E_LINE: "nn.Linear(Q, K)"}),
    ("fixed-3", {SCALE: "E / math.sqrt(3)"}),
    ("fixed-64", {SCALE: "E / math.sqrt(64)"}),
    ("turned-over", {SCALE: "math.sqrt(d_k) / E"}),
    ("power-sign", {SCALE: "E / d_k ^ 0.5"}),
    ("plain-lacks", {SCALE: "E / d_k.sqrt()"}),
    ("transposed", {E_LINE: "(Q @ K.T).T"}),
    ("wrong-axis-summed", {E_LINE: "Q.T @ K"}),
    ("wrong-axis-summed-keys-first", {E_LINE: "K.T @ Q"}),
    ("element-wise", {E_LINE: "Q * K"}),
    ("own-key-only", {E_LINE: "(Q * K).sum(dim=1)"}),
    ("queries-with-queries", {E_LINE: "Q @ Q.T"}),
    ("keys-with-keys", {E_LINE: "K @ K.T"}),
    ("cosine", {E_LINE: "F.normalize(Q, dim=1) @ F.normalize(K, dim=1).T"}),
    ("distance", {E_LINE: "torch.cdist(Q, K)"}),
    ("minus", {E_LINE: "-Q @ K.T"}),
    ("in-place", {E_LINE: "Q @ K.T / math.sqrt(d_k)", SCALE: "E"}),
    ("scaled-already", {E_LINE: "Q @ K.T / math.sqrt(d_k)", SCALE: "E / 3.3"}),
    ("scaled-twice", {E_LINE: "Q @ K.T / math.sqrt(d_k)"}),
    ("not-transposed", {E_LINE: "Q @ K"}),
    ("not-transposed", {E_LINE: "torch.matmul(Q, K)"}),
    ("not-transposed", {E_LINE: "Q * K.T"}),
    ("dot-of-matrices", {E_LINE: "torch.dot(Q, K)"}),
    ("other-name", {E_LINE: "q @ k_t.T"}),
    (None, {E_LINE: "queries @ keys.T"}),
    (None, {E_LINE: "Q + K"}),
    (None, {E_LINE: "None"}),
    (None, {E_LINE: "'Q K^T'"}),
    ("not-scaled", {SCALE: "E"}),
    ("no-root", {SCALE: "E / d_k"}),
    ("sqrt-tokens", {SCALE: "E / math.sqrt(len(Q))"}),
    ("sqrt-tokens", {SCALE: "E / E.shape[-1] ** 0.5"}),
    ("tokens", {SCALE: "E / len(Q)"}),
    ("multiplied", {SCALE: "E * math.sqrt(d_k)"}),
    ("squared", {SCALE: "E / d_k**2"}),
    ("twice-d-k", {SCALE: "E / d_k ** 1 / 2"}),
    ("half-d-k", {SCALE: "E / (d_k / 2)"}),
    ("fixed-number", {SCALE: "E / math.sqrt(2)"}),
    ("sqrt-d", {SCALE: "E / math.sqrt(d)"}),
    ("softmax-too", {SCALE: "torch.softmax(E / math.sqrt(d_k), dim=1)"}),
    ("root-of-scores", {SCALE: "torch.sqrt(E / d_k)"}),
    ("in-place", {SCALE: "E.div_(math.sqrt(d_k))"}),
    ("in-place", {"scaled = " + SCALE: "scaled = E\n    scaled /= math.sqrt(d_k)"}),
    ("root-of-a-number", {SCALE: "E / torch.sqrt(d_k)"}),
    ("root-of-a-tensor", {SCALE: "math.sqrt(E / d_k)"}),
    ("function-without-module", {SCALE: "E / sqrt(d_k)"}),
    ("other-name", {SCALE: "E / math.sqrt(dk)"}),
    (None, {SCALE: "E - math.sqrt(d_k)"}),
    (None, {SCALE: "(E / math.sqrt(d_k)).to('meta')"}),
    (None, {SCALE: "E / 0 - E / 0"}),  # NaN
    # both at once: each is named
    ("transposed", {E_LINE: "K @ Q.T", SCALE: "E / d_k"}),
    # what was given, changed
    (None, {RETURN: "return scaled"}),
    (None, {RETURN: "return"}),
    (None, {RETURN: "return scaled, E"}),
    (None, {"d_k = Q.shape[1]": "d_k = Q.shape[0]"}),
    (None, "scaled_scores = torch.zeros(5, 5)"),
]

RIGHT = [
    {E_LINE: "torch.matmul(Q, K.transpose(0, 1))"},
    {E_LINE: "torch.einsum('ic,jc->ij', Q, K)"},
    {E_LINE: "torch.inner(Q, K)"},
    {E_LINE: "F.linear(Q, K)"},
    {E_LINE: "(K @ Q.T).T"},
    {E_LINE: "torch.stack([K @ q for q in Q])"},
    {E_LINE: "Q.double() @ K.double().mT"},
    {SCALE: "E / d_k**0.5"},
    {SCALE: "E * d_k ** (-1 / 2)"},
    {SCALE: "E / torch.tensor(d_k).sqrt()"},
    {SCALE: "E.mul(1 / Q.size(-1) ** 0.5)"},
    {SCALE: "(Q / math.sqrt(d_k)) @ K.T"},
    {RETURN: "print('a print costs nothing')\n    return [E.numpy(), scaled.numpy()]"},
    """\
def scaled_scores(Q, K):
    E = torch.zeros(len(Q), len(K))
    for i, q in enumerate(Q):
        for j, k in enumerate(K):
            E[i, j] = torch.dot(q, k)
    return E, E / len(q) ** 0.5
""",
]
