ATT = "torch.softmax(scores / self.head_dim**0.5, dim=-1)"
SUM = '"bhal, bhlv -> bhav"'
SUM_LINE = 'out = torch.einsum("bhal, bhlv -> bhav", att, values)'
MERGE = '"b h n d -> b n (h d)"'
MERGE_LINE = 'out = rearrange(out, "b h n d -> b n (h d)")'
DROP_LINE = "att = self.att_drop(att)"
RETURN = "return self.projection(out)"
INIT = "def __init__(self, emb_size=192, num_heads=3, dropout=0.0):"

WRONG = [
    # 1: the weights
    ("scale-after-softmax", {ATT: "torch.softmax(scores, dim=-1) / self.head_dim**0.5"}),
    ("scale-after-softmax-emb-size", {ATT: "torch.softmax(scores, dim=-1) / (x.shape[-1] ** (1 / 2))"}),
    ("sqrt-emb-size", {ATT: "torch.softmax(scores / x.shape[-1] ** 0.5, dim=-1)"}),
    ("no-scale", {ATT: "torch.softmax(scores, dim=-1)"}),
    ("multiplied", {ATT: "torch.softmax(scores * self.head_dim**0.5, dim=-1)"}),
    ("no-root", {ATT: "torch.softmax(scores / self.head_dim, dim=-1)"}),
    ("half-head-dim", {ATT: "torch.softmax(scores / (self.head_dim / 2), dim=-1)"}),
    ("twice-head-dim", {ATT: "torch.softmax(scores / self.head_dim ** 1 / 2, dim=-1)"}),
    ("squared", {ATT: "torch.softmax(scores / self.head_dim**2, dim=-1)"}),
    ("sqrt-heads", {ATT: "torch.softmax(scores / self.num_heads**0.5, dim=-1)"}),
    ("heads", {ATT: "torch.softmax(scores / self.num_heads, dim=-1)"}),
    ("sqrt-tokens", {ATT: "torch.softmax(scores / scores.shape[-1] ** 0.5, dim=-1)"}),
    ("emb-size", {ATT: "torch.softmax(scores / x.shape[-1], dim=-1)"}),
    ("softmax-queries", {ATT: "torch.softmax(scores / self.head_dim**0.5, dim=-2)"}),
    ("softmax-queries-no-scale", {ATT: "torch.softmax(scores, dim=2)"}),
    ("softmax-heads", {ATT: "torch.softmax(scores / self.head_dim**0.5, dim=1)"}),
    ("softmax-heads", {ATT: "F.softmax(scores / self.head_dim**0.5)"}),  # no axis: torch guesses
    ("softmax-batch", {ATT: "torch.softmax(scores / self.head_dim**0.5, dim=0)"}),
    ("softmax-over-all", {ATT: "(scores / self.head_dim**0.5).flatten(2).softmax(-1).view(scores.shape)"}),
    ("softmax-missing", {ATT: "scores / self.head_dim**0.5"}),
    ("softmax-missing-no-scale", {ATT: "scores"}),
    ("softmax-twice", {ATT: "torch.softmax(torch.softmax(scores / self.head_dim**0.5, dim=-1), dim=-1)"}),
    ("sigmoid", {ATT: "torch.sigmoid(scores / self.head_dim**0.5)"}),
    ("log-softmax", {ATT: "torch.log_softmax(scores / self.head_dim**0.5, dim=-1)"}),
    ("minus", {ATT: "torch.softmax(-scores / self.head_dim**0.5, dim=-1)"}),
    ("exponential", {ATT: "torch.exp(scores / self.head_dim**0.5)"}),
    ("relu", {ATT: "F.relu(scores / self.head_dim**0.5)"}),
    ("tanh", {ATT: "torch.tanh(scores / self.head_dim**0.5)"}),
    ("divided-by-sum", {ATT: "scores / scores.sum(dim=-1, keepdim=True)"}),
    ("argmax", {ATT: "(scores == scores.max(dim=-1, keepdim=True).values).float()"}),
    ("transposed", {ATT: "torch.softmax(scores.transpose(2, 3) / self.head_dim**0.5, dim=-1)"}),
    ("softmax-without-axis", {ATT: "torch.softmax(scores / self.head_dim**0.5)"}),
    ("softmax-no-such-axis", {ATT: "torch.softmax(scores / self.head_dim**0.5, dim=4)"}),
    ("root-of-a-number", {ATT: "torch.softmax(scores / torch.sqrt(self.head_dim), dim=-1)"}),
    ("softmax-module", {ATT: "nn.Softmax(scores / self.head_dim**0.5)"}),
    ("softmax-module", {ATT: "nn.Softmax(dim=-1)"}),
    ("head-dim-without-self", {ATT: "torch.softmax(scores / head_dim**0.5, dim=-1)"}),
    ("emb-size-not-kept", {ATT: "torch.softmax(scores / self.emb_size**0.5, dim=-1)"}),
    ("emb-size-not-kept", {ATT: "torch.softmax(scores / emb_size**0.5, dim=-1)"}),
    ("fixed-8", {ATT: "torch.softmax(scores / 64**0.5, dim=-1)"}),
    ("torchs-own", {ATT: "nn.MultiheadAttention(scores)"}),
    ("no-such-name", {ATT: "torch.softmax(scores / self.scale, dim=-1)"}),
    ("import-math", {ATT: "torch.softmax(scores / math.sqrt(self.head_dim), dim=-1)"}),
    ("import-np", {ATT: "F.softmax(scores / np.sqrt(self.head_dim), dim=-1)"}),
    ("matrices-only", {ATT: "torch.mm(queries, keys)"}),
    ("function-without-module", {ATT: "softmax(scores / self.head_dim**0.5, dim=-1)"}),
    ("name-not-known", {ATT: "torch.softmax(scores / scaling, dim=-1)"}),
    (None, {ATT: "torch.softmax(scores / 2, dim=-1)"}),
    (None, {ATT: "torch.softmax(scores / self.head_dim**0.5, dim=-1)[:, :, :1]"}),
    (None, {ATT: "torch.softmax(scores.log() / self.head_dim**0.5, dim=-1)"}),  # NaN
    (None, {ATT: "None"}),
    # 2: the weighted sum
    ("att-transposed", {SUM: '"bhla, bhlv -> bhav"'}),
    ("sum-over-queries", {SUM: '"bhal, bhlv -> bhlv"'}),
    ("values-kept", {SUM: '"bhal, bhav -> bhav"'}),
    ("v-summed", {SUM: '"bhal, bhlv -> bhal"'}),
    ("not-shared", {SUM: '"bhal, bhkv -> bhav"'}),
    ("order-bhva", {SUM: '"bhal, bhlv -> bhva"'}),
    ("order-bahv", {SUM: '"bhal, bhlv -> bahv"'}),
    ("order-hbav", {SUM: '"bhal, bhlv -> hbav"'}),
    ("order-bvha", {SUM: '"bhal, bhlv -> bvha"'}),
    ("order-bavh", {SUM: '"bhal, bhlv -> bavh"'}),
    ("queries-and-v-mixed", {SUM: '"bhal, bhlv -> bhvl"'}),
    ("diagonal", {SUM: '"bhll, bhlv -> bhlv"'}),
    ("diagonal-not-shared", {SUM: '"bhaa, bhlv -> bhav"'}),
    ("matrices-only", {SUM_LINE: "out = torch.mm(att, values)"}),
    ("average", {SUM_LINE: "out = (att.unsqueeze(-1) * values.unsqueeze(2)).mean(dim=3)"}),
    ("att-forgotten", {SUM_LINE: "out = values"}),
    ("att-transposed", {SUM_LINE: "out = att.transpose(2, 3) @ values"}),
    ("heads-summed", {SUM: '"bhal, bhlv -> bav"'}),
    ("tokens-summed", {SUM: '"bhal, bhlv -> bhv"'}),
    ("nothing-summed", {SUM: '"bhal, bhlv -> bhalv"'}),
    ("axes-left-out", {SUM: '"bhal, bhlv"'}),
    ("unknown-letter", {SUM: '"bhal, bhlv -> bhad"'}),
    ("letter-twice", {SUM: '"bhal, bhlv -> bhaa"'}),
    ("operand-count", {SUM: '"bhav"'}),
    ("operand-count", {SUM: '"bhal bhlv -> bhav"'}),
    ("letter-count", {SUM: '"hal, hlv -> hav"'}),
    ("sizes-differ", {SUM: '"bhal, bhvl -> bhav"'}),
    ("einsum-sign", {SUM: '"bhal, bhlv -> ba(hv)"'}),
    ("not-a-string", {SUM: "bhav := None"}),
    ("heads-summed", {SUM: '"bhal, bhlv -> bav"', MERGE: '"b n d -> b n d"'}),
    ("tokens-summed", {SUM: '"bhal, bhlv -> bhv"', MERGE: '"b h d -> b (h d)"'}),
    ("nothing-summed", {SUM: '"bhal, bhlv -> bhalv"', MERGE: '"b h n l d -> b n (h l d)"'}),
    (None, {SUM: '"bhal, bhlv -> lbav"'}),
    (None, {SUM_LINE: "out = att @ queries"}),
    # 3: the heads gathered
    ("dim-before-head", {MERGE: '"b h n d -> b n (d h)"'}),
    ("scrambled", {MERGE_LINE: "out = out.reshape(x.shape)"}),
    ("scrambled", {MERGE_LINE: "out = out.reshape(x.shape[0], x.shape[1], -1)"}),
    ("tokens-with-dim", {MERGE: '"b h n d -> b h (n d)"'}),
    ("dim-with-tokens", {MERGE: '"b h n d -> b h (d n)"'}),
    ("heads-with-tokens", {MERGE: '"b h n d -> b (h n) d"'}),
    ("tokens-with-heads", {MERGE: '"b h n d -> b (n h) d"'}),
    ("heads-with-tokens-last", {MERGE: '"b h n d -> b d (h n)"'}),
    ("tokens-with-heads-last", {MERGE: '"b h n d -> b d (n h)"'}),
    ("tokens-with-dim", {MERGE: '"b n h d -> b n (h d)"'}),
    ("dim-with-tokens", {MERGE: '"b n d h -> b n (h d)"'}),
    ("heads-with-tokens-last", {MERGE: '"b h d n -> b n (h d)"'}),
    ("dim-before-head", {MERGE: '"b d n h -> b n (h d)"'}),
    ("tokens-with-heads-last", {MERGE: '"b d h n -> b n (h d)"'}),
    ("batch-with-dim", {MERGE: '"h b n d -> b n (h d)"'}),
    ("not-merged", {MERGE: '"b h n d -> b n h d"'}),
    ("unchanged", {MERGE: '"b h n d -> b h n d"'}),
    ("batch-token-swapped", {MERGE: '"b h n d -> n b (h d)"'}),
    ("batch-merged-with-heads", {MERGE: '"b h n d -> (b h) n d"'}),
    ("batch-merged-with-tokens", {MERGE: '"b h n d -> (b n) (h d)"'}),
    ("features-before-tokens", {MERGE: '"b h n d -> b (h d) n"'}),
    ("features-before-tokens-dim-first", {MERGE: '"b h n d -> b (d h) n"'}),
    ("all-merged", {MERGE: '"b h n d -> b (n h d)"'}),
    ("all-merged-heads-first", {MERGE: '"b h n d -> b (h n d)"'}),
    ("heads-summed-in-merge", {MERGE_LINE: "out = out.sum(dim=1)"}),
    ("heads-averaged", {MERGE_LINE: "out = out.mean(dim=1)"}),
    ("pattern-axes", {MERGE: '"b n (h d) -> b h n d"'}),
    ("pattern-axes", {MERGE: '"b n d -> b (n d)"'}),
    ("axis-not-kept", {MERGE: '"b h n d -> b n h"'}),
    ("axis-not-kept", {MERGE: '"b h n d -> b n (hd)"'}),
    ("axis-twice", {MERGE: '"b h n d -> b n (h h d)"'}),
    ("brackets", {MERGE: '"b h n d -> b n (h d"'}),
    ("pattern-sign", {MERGE: '"b h n d -> b n (h*d)"'}),
    ("no-arrow", {MERGE: '"b n (h d)"'}),
    ("no-arrow", {MERGE: '"b h n d => b n (h d)"'}),
    ("pattern-not-a-string", {MERGE: "None"}),
    ("view-of-a-moved-tensor", {MERGE_LINE: "out = out.transpose(1, 2).view(x.shape)"}),
    (None, {MERGE: '"b h n d -> n d (b h)"'}),
    # several at once, each named
    ("no-scale", {ATT: "torch.softmax(scores, dim=-1)", MERGE: '"b h n d -> b n (d h)"'}),
    ("dim-before-head", {ATT: "torch.softmax(scores, dim=-1)", MERGE: '"b h n d -> b n (d h)"'}),
    (
        "att-transposed",
        {ATT: "torch.softmax(scores, dim=1)", SUM: '"bhla, bhlv -> bhav"', MERGE: '"b h n d -> b (h n) d"'},
    ),
    (
        "heads-with-tokens",
        {ATT: "torch.softmax(scores, dim=1)", SUM: '"bhla, bhlv -> bhav"', MERGE: '"b h n d -> b (h n) d"'},
    ),
    # what was given, changed
    ("projection-missing", {RETURN: "return out"}),
    ("residual-added", {RETURN: "return x + self.projection(out)"}),
    (None, {RETURN: "return 2 * self.projection(out)"}),
    (None, {RETURN: "return self.projection(out) @ att"}),  # an error after the three blanks
    (None, {RETURN: "return self.projection(out)[0]"}),
    (None, {"self.values(x)": "self.keys(x)"}),
    ("constructor", {INIT: "def __init__(self, emb_size=192):\n        num_heads, dropout = 3, 0.0"}),
    (None, {RETURN: "self.projection(out)"}),  # None
    (None, {RETURN: "return self.projection(out), att"}),
    (None, {RETURN: "return self.projection(out).to('meta')"}),
    (None, {RETURN: "return self.projection(out).numpy()"}),
    (None, {"self.projection": "self.proj"}),
    (
        None,
        {
            "self.keys = nn.Linear(emb_size, emb_size)": "self.keys = nn.Linear(emb_size, emb_size, bias=False)"
        },
    ),
    (
        None,
        {
            "self.keys = nn.Linear(emb_size, emb_size)": "self.keys = nn.Linear(emb_size, emb_size // num_heads)"
        },
    ),
    (None, "MultiHeadAttention = nn.MultiheadAttention(12, 3)"),
    (None, "def MultiHeadAttention(emb_size=192, num_heads=3):\n    return nn.Identity()"),
    # rewritten, and wrong
    (
        "sqrt-emb-size",
        {
            DROP_LINE: "",
            SUM_LINE: "out = F.scaled_dot_product_attention(queries, keys, values, scale=x.shape[-1] ** -0.5)",
        },
    ),
    (
        "dim-before-head",
        {SUM_LINE: "out = att @ values", MERGE_LINE: "out = out.permute(0, 2, 3, 1).flatten(2)"},
    ),
    (
        "not-step-by-step",
        {
            DROP_LINE: "",
            SUM_LINE: "out = att @ values",
            MERGE_LINE: "out = out.permute(0, 2, 3, 1).flatten(2)",
        },
    ),
]

RIGHT = [
    {ATT: "F.softmax(scores / self.head_dim ** (1 / 2), -1)"},
    {ATT: "(scores * self.head_dim**-0.5).softmax(dim=3)"},
    {ATT: "nn.Softmax(dim=-1)(scores / torch.tensor(self.head_dim).sqrt())"},
    {ATT: "torch.softmax(scores.double() / self.head_dim**0.5, dim=-1).float()"},
    {ATT: "(e := (scores / queries.shape[-1] ** 0.5).exp()) / e.sum(dim=-1, keepdim=True)"},
    {ATT: "self.att_drop(torch.softmax((queries / self.head_dim**0.5) @ keys.transpose(-2, -1), dim=-1))"},
    {ATT: "F.scaled_dot_product_attention(queries, keys, torch.eye(x.shape[1]).expand_as(scores))"},
    {SUM: '"bhqk,bhkd->bhqd"'},
    {SUM: '"b h a l, b h l v -> b h a v"'},
    {SUM: '"...al, ...lv -> ...av"'},
    {SUM_LINE: "out = att @ values"},
    {SUM_LINE: "out = torch.matmul(att, values)"},
    {SUM_LINE: "out = (att.unsqueeze(-1) * values.unsqueeze(2)).sum(dim=3)"},
    {SUM_LINE: "out = F.scaled_dot_product_attention(queries, keys, values)"},
    {MERGE: '"batch head token dim -> batch token (head dim)"'},
    {MERGE: '"... h n d -> ... n (h d)"'},
    {MERGE_LINE: "out = out.permute(0, 2, 1, 3).reshape(x.shape)"},
    {MERGE_LINE: "out = out.transpose(1, 2).flatten(2)"},
    {MERGE_LINE: "out = torch.cat([out[:, h] for h in range(self.num_heads)], dim=-1)"},
    {SUM: '"bhal, bhlv -> bahv"', MERGE: '"b n h d -> b n (h d)"'},
    {SUM: '"bhal, bhlv -> bavh"', MERGE: '"b n d h -> b n (h d)"'},
    {DROP_LINE: "", SUM_LINE: "out = F.scaled_dot_product_attention(queries, keys, values)"},
    {DROP_LINE: "", SUM_LINE: "out = torch.einsum('bhal, bhlv -> bhav', self.att_drop(att), values)"},
    {
        RETURN: "out = self.projection(out)\n        print('a print costs nothing')\n        return out.contiguous().double()"
    },
    """\
import math
import warnings

class MultiHeadAttention(nn.Module):
    def __init__(self, emb_size=192, num_heads=3, dropout=0.0):
        super().__init__()
        self.heads, self.size = num_heads, emb_size // num_heads
        self.queries, self.keys, self.values, self.projection = (nn.Linear(emb_size, emb_size) for _ in range(4))
        self.extra = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        warnings.warn("a warning costs nothing")
        heads = []
        for h in range(self.heads):
            part = slice(h * self.size, (h + 1) * self.size)
            q, k, v = (layer(x)[..., part] for layer in (self.queries, self.keys, self.values))
            heads.append(torch.softmax(q @ k.mT / math.sqrt(self.size), dim=-1) @ v)
        return self.projection(torch.cat(heads, dim=-1))
""",
    """\
class MultiHeadAttention(nn.Module):
    def __init__(self, emb_size=192, num_heads=3, dropout=0.0):
        super().__init__()
        self.num_heads = num_heads
        self.queries = nn.Linear(emb_size, emb_size)
        self.keys = nn.Linear(emb_size, emb_size)
        self.values = nn.Linear(emb_size, emb_size)
        self.projection = nn.Linear(emb_size, emb_size)

    def forward(self, x):
        x = x.transpose(0, 1)
        weights = [self.queries.weight, self.keys.weight, self.values.weight]
        biases = [self.queries.bias, self.keys.bias, self.values.bias]
        out, _ = F.multi_head_attention_forward(
            x, x, x, x.shape[-1], self.num_heads, torch.cat(weights), torch.cat(biases), None, None, False, 0.0,
            self.projection.weight, self.projection.bias, training=False,
        )
        return out.transpose(0, 1)
""",
]
