PRODUCT = "one_hot @ W"
ROWS = "W[indices]"
RETURN = "return product, rows"


def product(text):
    return {PRODUCT: text}


def rows(text):
    return {ROWS: text}


WRONG = [
    ("embedding-arguments", rows("F.embedding(W, indices)")),
    ("other-kind-given", rows("W.index_select(indices)")),
    ("too-little-given", rows("nn.Embedding(W)")),
    ("matrices-only", product("one_hot.dot(W)")),
    ("tensor-lacks", product("one_hot.W")),
    ("import-np", product("np.matmul(one_hot, W)")),
    ("product-one-hot-alone", product("one_hot")),
    ("product-whole-table", product("W")),
    ("product-transposed", product("W.T @ one_hot.T")),
    ("product-summed", product("one_hot.sum(dim=0) @ W")),
    ("product-averaged", product("one_hot.mean(dim=0) @ W")),
    ("product-numbers-summed", product("one_hot @ W.sum(dim=1)")),
    ("product-first-word", product("one_hot[0] @ W")),
    ("product-first-word-row", product("one_hot[:1] @ W")),
    ("product-backwards-table", product("one_hot.flip(1) @ W")),
    ("product-backwards-words", product("one_hot.flip(0) @ W")),
    ("product-one-down", product("one_hot.roll(1, 1) @ W")),
    ("product-one-up", product("one_hot.roll(-1, 1) @ W")),
    ("product-all-others", product("(1 - one_hot) @ W")),
    ("product-softmax", product("one_hot.softmax(dim=1) @ W")),
    ("product-times-number", product("(indices[:, None] * one_hot) @ W")),
    ("product-normalised", product("F.normalize(one_hot @ W)")),
    ("product-not-summed", product("one_hot[:, :, None] * W")),
    ("product-extra-axis", product("one_hot[:, None] @ W")),
    ("product-indices-alone", product("indices")),
    ("product-without-repetition", product("one_hot.unique(dim=0).flip(0) @ W")),
    ("shapes", product("W @ one_hot")),
    ("shapes", product("one_hot @ W.T")),
    ("shapes", product("one_hot.T @ W")),
    ("elementwise", product("one_hot * W")),
    ("whole-numbers", product("one_hot.long() @ W")),
    ("whole-numbers", product("F.one_hot(indices, len(W)) @ W")),
    ("product-other-numbers", product("one_hot @ torch.ones_like(W)")),
    ("product-other-numbers", product("one_hot @ W + 1")),
    ("name-unknown", product("onehot @ W")),
    ("name-unknown", product("one_hot @ embedding_table")),
    (None, product("None")),
    (None, product("(one_hot @ W).to('meta')")),
    (None, product("(one_hot @ W) * torch.nan")),
    (None, product("'one_hot @ table'")),
    # the look-up
    ("rows-columns", rows("W[:, indices]")),
    ("rows-columns-transposed", rows("W.T[indices]")),
    ("rows-first-word", rows("W[indices[0]]")),
    ("rows-row-zero", rows("W[0]")),
    ("rows-first-rows", rows("W[:len(indices)]")),
    ("rows-one-down", rows("W[indices + 1]")),
    ("rows-one-up", rows("W[indices - 1]")),
    ("rows-negative", rows("W[-indices]")),
    ("rows-backwards-table", rows("W[-indices - 1]")),
    ("rows-backwards-words", rows("W[indices.flip(0)]")),
    ("rows-sorted", rows("W[indices.sort().values]")),
    ("rows-without-repetition", rows("W[indices.unique()]")),
    ("rows-one-hot-as-index", rows("W[one_hot.long()]")),
    ("rows-indices-alone", rows("indices")),
    ("rows-single-numbers", rows("W[indices, indices]")),
    ("rows-whole-table", rows("W")),
    ("rows-summed", rows("W[indices].sum(dim=0)")),
    ("rows-extra-first-axis", rows("W[indices[None]]")),
    ("rows-extra-axis", rows("W[indices[:, None]]")),
    ("rows-transposed", rows("W[indices].T")),
    ("rows-one-hot-alone", rows("one_hot")),
    ("float-index", rows("W[one_hot]")),
    ("mask", rows("W[one_hot.bool()]")),
    ("called", rows("W(indices)")),
    ("too-far", rows("W[indices + len(W)]")),
    ("too-far", rows("W[indices, :, :]")),
    ("rows-other-numbers", rows("nn.Embedding(*W.shape)(indices)")),
    ("name-unknown", rows("W[index]")),
    (None, rows("None")),
    (None, rows("W[indices].tolist")),
    # both, each named
    ("product-one-hot-alone", {PRODUCT: "one_hot", ROWS: "W[:, indices]"}),
    ("rows-columns", {PRODUCT: "one_hot", ROWS: "W[:, indices]"}),
    # what was given, changed
    (None, {RETURN: "return product"}),
    (None, {RETURN: "return product, rows, one_hot"}),
    (None, {RETURN: "pass"}),
    (None, "embed = nn.Embedding(6, 4)\n"),
    (None, "embed = None\n"),
    (None, "def embed(indices):\n    return indices, indices\n"),
]

RIGHT = [
    product("torch.matmul(one_hot, W)"),
    product("one_hot.mm(W)"),
    product("(W.T @ one_hot.T).T"),
    product("torch.einsum('nv,vd->nd', one_hot, W)"),
    product("F.linear(one_hot, W.T)"),
    product("(one_hot[:, :, None] * W).sum(dim=1)"),
    product("one_hot.double() @ W.double()"),
    rows("W[indices, :]"),
    rows("F.embedding(indices, W)"),
    rows("nn.Embedding.from_pretrained(W)(indices)"),
    rows("torch.index_select(W, 0, indices)"),
    rows("torch.stack([W[i] for i in indices])"),
    rows("W[indices.tolist()]"),
    rows("W.T[:, indices].T"),
    rows("W.numpy()[indices.numpy()]"),
    {RETURN: "return [product, rows]"},
    """\
import warnings

def embed(indices, W):
    warnings.warn("a warning costs nothing")
    table = nn.Embedding(*W.shape, _weight=W)
    print("nor does a print")
    return torch.eye(len(W))[indices] @ W, table(indices)
""",
]
