"""Right answers in unusual forms, in unusual notebooks: every point stays.

The forms of several exercises are tried in one notebook, batch by batch, as they do not disturb each other.
"""

from helpers import exercises
from tests.hostile import Entry

KEYS = (
    "q6_residual_add",
    "q1_position_encoding",
    "cosine_similarity",
    "causal_mask",
    "attention_scores",
    "q7_feed_forward",
    "q2_patch_embedding",
)
Q6, Q1, COSINE, MASK, SCORES, FEED, PATCH = KEYS

Q1_WAVES = """\
def getPositionEncoding(seq_len, d, n=10000):
    {0}
    turns = n ** (-2.0 * np.arange(d // 2) / d)
    angles = np.arange(seq_len)[:, None] * turns
    P = np.zeros((seq_len, d))
    P[:, 0 : 2 * (d // 2) : 2], P[:, 1 : 2 * (d // 2) : 2] = np.sin(angles), np.cos(angles)
    return {1}
"""
Q6_CLASS = """\
class ResidualAdd({0}):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn
    def forward(self, x, **kwargs):
        {1}
"""
PATCH_CONV = """\
class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.projection = nn.Conv2d(in_channels, emb_size, kernel_size=patch_size, stride=patch_size)
    def forward(self, x):
        return {0}
"""

# exercise -> what is unusual -> the answer
FORMS = {
    Q1: {
        "warns": Q1_WAVES.format("import warnings; warnings.warn('careful'); np.log(np.zeros(1))", "P"),
        "prints": Q1_WAVES.format("print('x' * 1000); print('y', file=sys.stderr)", "P"),
        "float32": Q1_WAVES.format("", "P.astype(np.float32)"),
        "not contiguous": Q1_WAVES.format("", "np.asfortranarray(P)[::1]"),
        "a reversed view": Q1_WAVES.format("", "P[::-1].copy()[::-1]"),
        "a tensor": Q1_WAVES.format("", "torch.from_numpy(P)"),
        "a tensor that wants a gradient": Q1_WAVES.format("", "torch.tensor(P, requires_grad=True)"),
        "a list of lists": Q1_WAVES.format("", "P.tolist()"),
        "slow": Q1_WAVES.format("import time; time.sleep(0.3)", "P"),
        "other names for locals": """\
def getPositionEncoding(seq_len, d, n=10000):
    table = np.zeros((seq_len, d))
    for position in range(seq_len):
        for pair in range(d // 2):
            angle = position / n ** (2 * pair / d)
            table[position, [2 * pair, 2 * pair + 1]] = math.sin(angle), math.cos(angle)
    return table
""",
        "below %%time": "%%time\n" + Q1_WAVES.format("", "P"),
        "below %%capture": "%%capture kept\n" + Q1_WAVES.format("", "P"),
    },
    Q6: {
        "in place on a copy": Q6_CLASS.format("nn.Module", "out = x.clone(); out += self.fn(x, **kwargs); return out"),
        "the other way round": Q6_CLASS.format("nn.Module", "return self.fn(x, **kwargs) + x"),
        "torch.add, and a print": Q6_CLASS.format("torch.nn.Module", "print('forward'); return torch.add(self.fn(x, **kwargs), x)"),
        "compiled": Q6_CLASS.format("nn.Module", "return self.fn(x, **kwargs) + x").replace("    def forward", "    @torch.compile\n    def forward"),
        "in a file of its own": "%%writefile residual.py\nfrom torch import nn\n\n" + Q6_CLASS.format("nn.Module", "return self.fn(x, **kwargs) + x"),
        "annotated": "from typing import Any\n" + Q6_CLASS.format("nn.Module", "res: torch.Tensor = x; return res + self.fn(x, **kwargs)"),
        "a base class of one's own": "class Base(nn.Module):\n    pass\n\n" + Q6_CLASS.format("Base", "return sum((x, self.fn(x, **kwargs)))"),
    },
    COSINE: {
        "the library's function": "def cosine_similarity(a, b):\n    return F.cosine_similarity(a, b, dim=0)\n",
        "float64": "def cosine_similarity(a, b):\n    a, b = a.double(), b.double()\n    return a @ b / (a.norm() * b.norm())\n",
        "a Python number": "def cosine_similarity(a, b):\n    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))\n",
        "a helper of one's own": "def size(v):\n    return (v * v).sum() ** 0.5\n\ndef cosine_similarity(a, b):\n    return (a * b).sum() / size(a) / size(b)\n",
        "numpy": "def cosine_similarity(a, b):\n    a, b = np.array(a), np.array(b)\n    return np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)\n",
    },
    MASK: {
        "truth values": "def mask_future(scores):\n    mask = torch.ones_like(scores, dtype=torch.bool).tril()\n    return mask, scores.masked_fill(~mask, float('-inf'))\n",
        "numpy inside": "def mask_future(scores):\n    mask = torch.from_numpy(np.tri(len(scores)))\n    return mask, torch.where(mask == 1, scores, torch.tensor(-torch.inf))\n",
        "loops": "def mask_future(scores):\n    mask, out = torch.zeros_like(scores), scores.clone()\n    for i in range(len(scores)):\n        for j in range(len(scores)):\n            mask[i, j] = j <= i\n            if j > i:\n                out[i, j] = -math.inf\n    return mask, out\n",
    },
    SCORES: {
        "einsum": {"Q @ K.T": "torch.einsum('id,jd->ij', Q, K)"},
        "not contiguous": "def scaled_scores(Q, K):\n    E = (K @ Q.T).T\n    return E, E * K.shape[-1] ** -0.5\n",
        "a list": "def scaled_scores(Q, K):\n    E = Q.double() @ K.double().T\n    return [E, E / np.sqrt(Q.size(1))]\n",
    },
    FEED: {
        "lazy layers": {"nn.Linear(expansion * emb_size, emb_size)": "nn.LazyLinear(emb_size)"},
        "sizes worked out first": "class FeedForwardBlock(nn.Sequential):\n    def __init__(self, emb_size, expansion=4, dropout=0.0):\n        hidden = int(emb_size * expansion)\n        layers = [nn.Linear(emb_size, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, emb_size)]\n        super().__init__(*layers)\n",
    },
    PATCH: {
        "Conv2d": PATCH_CONV.format("rearrange(self.projection(x), 'b e h w -> b (h w) e')"),
        "Conv2d, columns first": PATCH_CONV.format("rearrange(self.projection(x), 'b e h w -> b (w h) e')"),
        "Conv2d and flatten": PATCH_CONV.format("self.projection(x).flatten(2).transpose(1, 2)"),
        "another order inside the patch": {"b c (h p1) (w p2) -> b (h w) (p1 p2 c)": "b c (h p1) (w p2) -> b (h w) (c p1 p2)"},
    },
}  # fmt: skip

# what is unusual around the answers -> a cell of the student's own, ahead of them
AROUND = {
    "warnings, prints and noise on stderr": "import warnings\nwarnings.warn('hm')\nprint('hello')\nprint('oh', file=sys.stderr)\nimport logging\nlogging.warning('w')",
    "an error in an extra cell": "1 / 0",
    "a helper in an extra cell": "def noise(*args):\n    print(*args)\nP = E = x = None",
    "the random state is changed": "np.random.seed(5)\ntorch.manual_seed(99)\nnp.random.rand(10)",
    "gradients are switched off": "torch.set_grad_enabled(True)\ntorch.set_default_dtype(torch.float32)",
    "names of Python are used for other things": "list = [1]\nsum = 3\nmax = min = id = type = str = None\nglobals_ = 2",
    "magics": "%time 1\n%matplotlib inline\n!true",
    "a figure and a progress bar": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nfrom tqdm import tqdm\nfor _ in tqdm(range(3)):\n    pass",
    "the student checks as well": "for key in ('q1_position_encoding', 'cosine_similarity'):\n    check(key)\n    check.hint(key)\n    check.ready(key)",
    "everything is float64": "torch.set_default_dtype(torch.float64)",
    "everything is bfloat16": "torch.set_default_dtype(torch.bfloat16)",
    "everything is on another device": "torch.set_default_device('meta')",
    "inference mode is entered and not left": "torch.inference_mode().__enter__()",
    "gradients are switched off and not on again": "torch.set_grad_enabled(False)",
    "autocast is entered and not left": "torch.autocast('cpu', torch.bfloat16).__enter__()",
    "numpy raises": "np.seterr(all='raise')",
    "warnings are errors": "import warnings\nwarnings.simplefilter('error')",
}


def _batches() -> list[Entry]:
    forms = {key: list(found.items()) for key, found in FORMS.items()}
    around = list(AROUND.items())
    full = {key: exercises.load(key).points for key in KEYS}
    number = max(len(around), *(len(found) for found in forms.values()))
    made = []
    for n in range(number):
        answers = {key: found[n][1] for key, found in forms.items() if n < len(found)}
        names = [f"{key}: {found[n][0]}" for key, found in forms.items() if n < len(found)]
        what, cell = around[n] if n < len(around) else ("", "")
        after = {Q6: "from residual import ResidualAdd"} if "%%writefile" in answers.get(Q6, "") else {}
        made.append(Entry("; ".join([*names, what]), answers, cell, after, points=full))
    return made


ENTRIES = _batches()
COUNT = sum(map(len, FORMS.values())) + len(AROUND)
