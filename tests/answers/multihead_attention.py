SPLIT = "qkv.reshape(b, n, self.num_heads, 3 * self.head_dim).permute(0, 2, 1, 3)"
MERGE = "values.permute(0, 2, 1, 3).reshape(b, n, self.embed_dim)"
RETURN = "return (output, attention) if return_attention else output"
CUT = "qkv.reshape(b, n, self.num_heads, 3 * self.head_dim)"

WRONG = [
    ("split-not-moved", {SPLIT: CUT}),
    ("split-cut-only", {SPLIT: "qkv.reshape(b, self.num_heads, n, 3 * self.head_dim)"}),
    ("split-cut-only", {SPLIT: "qkv.view(b, self.num_heads, n, -1)"}),
    ("split-heads-last", {SPLIT: "qkv.reshape(b, n, 3 * self.head_dim, self.num_heads).permute(0, 3, 1, 2)"}),
    ("split-heads-last-not-moved", {SPLIT: "qkv.reshape(b, n, 3 * self.head_dim, self.num_heads)"}),
    ("split-no-split", {SPLIT: "qkv"}),
    ("split-three-pieces", {SPLIT: "qkv.reshape(b, n, 3, self.embed_dim).permute(0, 2, 1, 3)"}),
    ("split-heads-in-front-of-batch", {SPLIT: CUT + ".permute(2, 0, 1, 3)"}),
    ("split-batch-and-tokens-swapped", {SPLIT: CUT + ".permute(1, 0, 2, 3)"}),
    ("split-batch-and-heads-swapped", {SPLIT: CUT + ".transpose(0, 2)"}),
    ("split-tokens-last", {SPLIT: CUT + ".permute(0, 2, 3, 1)"}),
    ("split-numbers-moved", {SPLIT: CUT + ".permute(0, 3, 1, 2)"}),
    ("split-heads-and-numbers-swapped", {SPLIT: CUT + ".transpose(-1, -2)"}),
    ("split-merged-with-batch", {SPLIT: SPLIT + ".flatten(0, 1)"}),
    (
        "split-kind-by-kind",
        {
            SPLIT: "qkv.reshape(b, n, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)",
            "qkv.chunk(3, dim=-1)": "qkv",
        },
    ),
    (
        "split-heads-then-numbers",
        {
            SPLIT: "qkv.reshape(b, n, self.num_heads, self.head_dim, 3).permute(4, 0, 2, 1, 3)",
            "qkv.chunk(3, dim=-1)": "qkv",
        },
    ),
    (
        "sizes-do-not-multiply",
        {SPLIT: "qkv.reshape(b, n, self.num_heads, self.head_dim).permute(0, 2, 1, 3)"},
    ),
    ("permute-count", {SPLIT: CUT + ".permute(0, 2, 1)"}),
    ("permute-count", {SPLIT: CUT + ".permute(0, 2, 2, 3)"}),
    ("size-without-self", {SPLIT: "qkv.reshape(b, n, num_heads, 3 * self.head_dim).permute(0, 2, 1, 3)"}),
    ("no-such-name", {SPLIT: "qkv.reshape(b, n, self.heads, -1).permute(0, 2, 1, 3)"}),
    ("chunked-already", {SPLIT: SPLIT + ".chunk(3, dim=-1)"}),
    ("chunked-already", {SPLIT: "qkv.chunk(3, dim=-1)"}),
    ("chunk-gives-three", {SPLIT: "qkv.chunk(3, dim=-1).permute(0, 2, 1, 3)"}),
    ("split-only-exchanged", {SPLIT: "qkv.transpose(1, 2)"}),
    ("import-rearrange", {SPLIT: "rearrange(qkv, 'b n (h d) -> b h n d', h=self.num_heads)"}),
    ("order-of-axes", {SPLIT: CUT + ".transpose()"}),
    ("not-a-tensor", {SPLIT: "None"}),
    (None, {SPLIT: SPLIT + " * 2"}),
    (None, {SPLIT: SPLIT + ".flip(1)"}),
    ("merge-cut-only", {MERGE: "values.reshape(b, n, self.embed_dim)"}),
    ("merge-dim-before-head", {MERGE: "values.permute(0, 2, 3, 1).reshape(b, n, self.embed_dim)"}),
    ("merge-not-joined", {MERGE: "values.permute(0, 2, 1, 3)"}),
    ("merge-all-flattened", {MERGE: "values.flatten()"}),
    ("merge-all-turned", {MERGE: "values.T"}),
    ("joined-without-list", {MERGE: "torch.cat(values, dim=-1)"}),
    ("name-not-known", {MERGE: "values.permute(0, 2, 1, 3).reshape(b, n, input_dim)"}),
    ("merge-unchanged", {MERGE: "values"}),
    ("merge-heads-with-tokens", {MERGE: "values.flatten(1, 2)"}),
    ("merge-tokens-with-heads", {MERGE: "values.transpose(1, 2).reshape(b, -1, self.head_dim)"}),
    ("merge-tokens-with-dim", {MERGE: "values.flatten(2)"}),
    ("merge-summed", {MERGE: "values.sum(dim=1)"}),
    ("merge-averaged", {MERGE: "values.mean(dim=1)"}),
    ("merge-one-head", {MERGE: "values[:, 0]"}),
    ("merge-batch-and-tokens-swapped", {MERGE: "values.permute(2, 0, 1, 3).reshape(n, b, self.embed_dim)"}),
    ("merge-features-first", {MERGE: "values.permute(0, 1, 3, 2).reshape(b, self.embed_dim, n)"}),
    ("merge-all-joined", {MERGE: "values.permute(0, 2, 1, 3).reshape(b, -1)"}),
    ("merge-swapped-last-two", {MERGE: "values.permute(0, 1, 3, 2).reshape(b, n, self.embed_dim)"}),
    ("merge-batch-and-heads-swapped", {MERGE: "values.permute(1, 0, 2, 3).reshape(b, n, self.embed_dim)"}),
    ("merge-reversed", {MERGE: "values.permute(0, 3, 2, 1).reshape(b, n, self.embed_dim)"}),
    ("merge-rotated", {MERGE: "values.permute(0, 3, 1, 2).reshape(b, n, self.embed_dim)"}),
    ("sizes-do-not-multiply", {MERGE: "values.permute(0, 2, 1, 3).reshape(b, n, 3 * self.embed_dim)"}),
    ("view-of-a-moved-tensor", {MERGE: "values.permute(0, 2, 1, 3).view(b, n, self.embed_dim)"}),
    ("size-without-self", {MERGE: "values.permute(0, 2, 1, 3).reshape(b, n, embed_dim)"}),
    ("permute-count", {MERGE: "values.permute(0, 2, 1).reshape(b, n, self.embed_dim)"}),
    ("not-a-tensor", {MERGE: "None"}),
    (None, {MERGE: MERGE + " * 2"}),
    # both at once, each named
    ("split-not-moved", {SPLIT: CUT, MERGE: "values.reshape(b, n, self.embed_dim)"}),
    ("merge-cut-only", {SPLIT: CUT, MERGE: "values.reshape(b, n, self.embed_dim)"}),
    # what was given, changed
    ("projection-missing", {RETURN: "return (values, attention) if return_attention else values"}),
    ("mask-dropped", {"mask=mask)": "mask=None)"}),
    (None, {RETURN: "return output, attention"}),
    (None, {RETURN: "return output"}),
    (None, {RETURN: "return (output * 2, attention) if return_attention else output * 2"}),
    (None, {RETURN: "pass"}),
    (None, {"self.o_proj": "self.out_proj"}),
    (
        None,
        {
            "nn.Linear(input_dim, 3 * embed_dim)": "nn.Linear(input_dim, 3 * embed_dim, bias=False)",
            "nn.init.zeros_(layer.bias)": "pass",
        },
    ),
    (None, {"nn.Linear(embed_dim, embed_dim)": "nn.Linear(embed_dim, input_dim)"}),
    (
        "constructor",
        {
            "def __init__(self, input_dim, embed_dim, num_heads):": "def __init__(self, embed_dim, num_heads):\n        input_dim = embed_dim"
        },
    ),
    (
        "forward-arguments",
        {
            "def forward(self, x, mask=None, return_attention=False):": "def forward(self, x, y):\n        mask, return_attention = None, False"
        },
    ),
    (None, "MultiheadAttention = nn.MultiheadAttention(12, 3)"),
    (
        None,
        "def MultiheadAttention(input_dim, embed_dim, num_heads):\n    return nn.Linear(input_dim, embed_dim)",
    ),
    (
        "not-step-by-step",
        {
            "values, attention = scaled_dot_product(q, k, v, mask=mask)": "values = F.scaled_dot_product_attention(q, k, v, scale=1.0)\n        attention = values"
        },
    ),
]

RIGHT = [
    {SPLIT: "qkv.view(b, n, self.num_heads, -1).transpose(1, 2)"},
    {SPLIT: "qkv.unflatten(-1, (self.num_heads, 3 * self.head_dim)).movedim(2, 1)"},
    {SPLIT: "torch.stack(qkv.chunk(self.num_heads, dim=-1), dim=1)"},
    {
        SPLIT: "qkv.reshape(b, n, self.num_heads, 3 * self.head_dim).permute(0, 2, 1, 3).contiguous().double().float()"
    },
    {SPLIT: "torch.einsum('bnhd->bhnd', qkv.reshape(b, n, self.num_heads, -1))"},
    {MERGE: "values.transpose(1, 2).flatten(2)"},
    {MERGE: "torch.cat([values[:, h] for h in range(self.num_heads)], dim=-1)"},
    {MERGE: "values.permute(0, 2, 1, 3).contiguous().view(b, n, -1)"},
    {MERGE: "torch.cat(values.unbind(1), dim=2)"},
    {MERGE: "__import__('einops').rearrange(values, 'b h n d -> b n (h d)')"},
    {
        SPLIT: "qkv.reshape(b, n, self.num_heads, 3, self.head_dim).permute(3, 0, 2, 1, 4)",
        "qkv.chunk(3, dim=-1)": "qkv",
    },
    {
        RETURN: "print('a print costs nothing')\n        return (output.double(), attention) if return_attention else output.double()"
    },
    """\
import warnings

class MultiheadAttention(nn.Module):
    def __init__(self, input_dim, embed_dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.qkv_proj = nn.Linear(input_dim, 3 * embed_dim)
        self.o_proj = nn.Linear(embed_dim, embed_dim)
        self.extra = nn.Parameter(torch.zeros(3))

    def forward(self, x, mask=None, return_attention=False):
        warnings.warn("a warning costs nothing")
        heads, maps = [], []
        for part in self.qkv_proj(x).chunk(self.num_heads, dim=-1):
            q, k, v = part.chunk(3, dim=-1)
            scores = q @ k.mT / math.sqrt(q.shape[-1])
            if mask is not None:
                scores = scores.masked_fill((mask == 0).squeeze(1), -math.inf)
            maps.append(scores.softmax(-1))
            heads.append(maps[-1] @ v)
        output = self.o_proj(torch.cat(heads, dim=-1))
        return (output, torch.stack(maps, dim=1)) if return_attention else output
""",
]
