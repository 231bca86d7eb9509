COSINE = "a @ b / (a.norm() * b.norm())"
RETURN = "    return similarity"


def is_(text):
    return {COSINE: text}


WRONG = [
    ("dot-alone", is_("a @ b")),
    ("no-number", is_("a @ b / torch")),
    ("zero-below", is_("a @ b * (1 / 0)")),
    ("too-many-indices", is_("a[0, 0]")),
    ("index-not-there", is_("a[9]")),
    ("softmax-of-what", is_("a.softmax()")),
    ("not-callable", is_("torch(a, b)")),
    ("not-subscriptable", is_("torch[a]")),
    ("called-itself", is_("cosine_similarity(a, b)")),
    ("matrices-only", is_("torch.mm(a, b)")),
    ("layer-for-result", is_("torch.nn.CosineSimilarity(a, b)")),
    ("import-np", is_("np.dot(a, b)")),
    ("one-length-a", is_("a @ b / a.norm()")),
    ("one-length-b", is_("a @ b / b.norm()")),
    ("precedence", is_("a @ b / a.norm() * b.norm()")),
    ("lengths-multiplied", is_("(a @ b) * (a.norm() * b.norm())")),
    ("lengths-added", is_("a @ b / (a.norm() + b.norm())")),
    ("squared-lengths", is_("a @ b / ((a @ a) * (b @ b))")),
    ("squared-lengths", is_("a @ b / ((a ** 2).sum() * (b ** 2).sum())")),
    ("a-twice", is_("a @ b / (a.norm() * a.norm())")),
    ("b-twice", is_("a @ b / b.norm() ** 2")),
    ("count-of-numbers", is_("a @ b / (len(a) * len(b))")),
    ("mean", is_("(a * b).mean()")),
    ("divided-by-sums", is_("a @ b / (a.sum() * b.sum())")),
    ("l1-lengths", is_("a @ b / (a.abs().sum() * b.abs().sum())")),
    ("largest-value", is_("a @ b / (a.abs().max() * b.abs().max())")),
    ("root-twice", is_("a @ b / torch.sqrt(a.norm() * b.norm())")),
    ("length-of-product", is_("a @ b / (a * b).norm()")),
    ("not-summed", is_("a * b / (a.norm() * b.norm())")),
    ("products-alone", is_("a * b")),
    ("outer", is_("torch.outer(a, b) / (a.norm() * b.norm())")),
    ("distance", is_("(a - b).norm()")),
    ("one-minus", is_("1 - a @ b / (a.norm() * b.norm())")),
    ("angle", is_("torch.acos(a @ b / (a.norm() * b.norm()))")),
    ("cosine-of-cosine", is_("torch.cos(a @ b / (a.norm() * b.norm()))")),
    ("sign-lost", is_("abs(a @ b) / (a.norm() * b.norm())")),
    ("cut-at-zero", is_("torch.relu(a @ b / (a.norm() * b.norm()))")),
    ("squared", is_("(a @ b) ** 2 / ((a @ a) * (b @ b))")),
    ("upside-down", is_("(a.norm() * b.norm()) / (a @ b)")),
    ("centred", is_("torch.corrcoef(torch.stack([a, b]))[0, 1]")),
    ("lengths-alone", is_("a.norm() * b.norm()")),
    ("one-by-dot", is_("a @ a / (a.norm() * a.norm())")),
    ("bars", is_("a @ b / (a | b)")),
    ("norm-not-called", is_("a @ b / (a.norm * b.norm)")),
    ("no-such-method", is_("a @ b / (a.length() * b.length())")),
    ("no-such-method", is_("torch.cos_similarity(a, b)")),
    ("math-on-vector", {COSINE: "a @ b / (math.sqrt(a) * math.sqrt(b))", "def cos": "import math\ndef cos"}),
    ("name-unknown", is_("A @ B / (A.norm() * B.norm())")),
    (None, is_("a @ b / 25")),
    (None, is_("torch.stack([a, b])")),
    (None, is_("torch.cdist(a, b)")),
    (None, is_("None")),
    (None, is_("'0.86'")),
    (None, is_("torch.nan * (a @ b)")),
    (None, is_("(a @ b / (a.norm() * b.norm())).to('meta')")),
    (None, is_("a @ b / (a.norm() * b.norm()) + 0j")),
    (None, {RETURN: "    pass"}),
    (None, {RETURN: "    return int(similarity)"}),
    (None, {RETURN: "    return a"}),
    (None, "cosine_similarity = 0.8615\n"),
    (None, "def cosine_similarity(a):\n    return 1\n"),
]

RIGHT = [
    is_("F.cosine_similarity(a, b, dim=0)"),
    is_("nn.CosineSimilarity(dim=0)(a, b)"),
    is_("(a / a.norm()) @ (b / b.norm())"),
    is_("a @ b / a.norm() / b.norm()"),
    is_("torch.dot(a, b) / (torch.linalg.norm(a) * torch.linalg.norm(b))"),
    is_("(a * b).sum() / ((a ** 2).sum().sqrt() * (b ** 2).sum().sqrt())"),
    is_("a @ b / ((a @ a) * (b @ b)) ** 0.5"),
    is_("float(a.double() @ b.double() / (a.double().norm() * b.double().norm()))"),
    is_("(a[None] @ b[:, None]) / (a.norm() * b.norm())"),  # (1, 1)
    is_("F.normalize(a, dim=0) @ F.normalize(b, dim=0)"),
    is_("torch.einsum('i,i->', a, b) / (a.norm() * b.norm())"),
    {RETURN: "    return similarity.item()"},
    {RETURN: "    return similarity.numpy()"},
    """\
import math
import warnings

def cosine_similarity(a, b):
    warnings.warn("a warning costs nothing")
    print("nor does a print")
    dot = sum(float(x) * float(y) for x, y in zip(a, b))
    return dot / math.hypot(*a.tolist()) / math.hypot(*b.tolist())
""",
]
