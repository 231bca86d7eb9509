NORM = "nn.LayerNorm(emb_size)"
ATTENTION = "MultiHeadAttention(emb_size, num_heads, dropout)"
FEED_FORWARD = "FeedForwardBlock(emb_size, expansion, dropout)"
DROPOUT = "nn.Dropout(dropout)"
FIRST = f"ResidualAdd(nn.Sequential({NORM}, {ATTENTION}, {DROPOUT}))"
SECOND = f"ResidualAdd(nn.Sequential({NORM}, {FEED_FORWARD}, {DROPOUT}))"


def block(*modules, before=""):
    """The exercise's cell with these modules in the outer nn.Sequential."""
    return f"""\
class TransformerEncoderBlock(nn.Sequential):
    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        {before}
        super().__init__({", ".join(modules)})
"""


def half(*modules):
    return f"ResidualAdd(nn.Sequential({', '.join(modules)}))"


def first(*modules, **kwargs):
    return block(half(*modules), SECOND, **kwargs)


def second(*modules, **kwargs):
    return block(FIRST, half(*modules), **kwargs)


WRONG = [
    ("first-dropout-not-handed-on", {"MultiHeadAttention(emb_size, num_heads, dropout)": "MultiHeadAttention(emb_size, num_heads)"}),
    ("second-dropout-not-handed-on", {"FeedForwardBlock(emb_size, expansion, dropout)": "FeedForwardBlock(emb_size, expansion)"}),
    # the attention half
    ("first-no-norm", first(ATTENTION, DROPOUT)),
    ("first-norm-after", first(ATTENTION, NORM, DROPOUT)),
    ("first-norm-after", first(ATTENTION, DROPOUT, NORM)),
    ("first-two-norms", first(NORM, ATTENTION, NORM, DROPOUT)),
    ("first-part-missing", first(NORM, DROPOUT)),
    ("first-part-repeated", first(NORM, ATTENTION, ATTENTION, DROPOUT)),
    ("first-residual-twice", first(NORM, f"ResidualAdd({ATTENTION})", DROPOUT)),
    ("first-no-dropout", first(NORM, ATTENTION)),
    ("first-no-dropout", first(NORM, DROPOUT, ATTENTION)),
    ("first-no-dropout", first(NORM, ATTENTION, "nn.Dropout()")),
    ("heads-default", first(NORM, "MultiHeadAttention(emb_size)", DROPOUT)),
    ("heads-default", first(NORM, "MultiHeadAttention(emb_size, 3, dropout)", DROPOUT)),
    ("one-head", first(NORM, "MultiHeadAttention(emb_size, 1, dropout)", DROPOUT)),
    ("heads-is-expansion", first(NORM, "MultiHeadAttention(emb_size, expansion, dropout)", DROPOUT)),
    ("size-fixed", first("nn.LayerNorm(192)", ATTENTION, DROPOUT)),
    ("size-fixed", first(NORM, "MultiHeadAttention(192, num_heads, dropout)", DROPOUT)),
    ("norm-of-wrong-size", first("nn.LayerNorm(num_heads)", ATTENTION, DROPOUT)),
    ("batch-norm", first("nn.BatchNorm1d(emb_size)", ATTENTION, DROPOUT)),
    ("not-made", first("nn.LayerNorm", "MultiHeadAttention", "nn.Dropout")),
    ("argument-missing", first("nn.LayerNorm()", ATTENTION, DROPOUT)),
    ("no-sequential", block(f"ResidualAdd({NORM}, {ATTENTION}, {DROPOUT})", SECOND)),
    ("torchs-attention", first(NORM, "nn.MultiheadAttention(emb_size, num_heads, dropout)", DROPOUT)),
    ("torchs-attention", first(NORM, "nn.MultiheadAttention(emb_size)", DROPOUT)),
    ("list-for-modules", block(f"ResidualAdd(nn.Sequential([{NORM}, {ATTENTION}, {DROPOUT}]))", SECOND)),
    ("list-in-residual", block(f"ResidualAdd([{NORM}, {ATTENTION}, {DROPOUT}])", SECOND)),
    ("not-made", first(NORM, "MultiHeadAttention", DROPOUT)),
    ("function-without-module", first("LayerNorm(emb_size)", ATTENTION, DROPOUT)),
    ("name-not-known", first("norm", ATTENTION, DROPOUT)),
    ("tensor-for-module", first("torch.zeros(3)", ATTENTION, DROPOUT)),
    ("function-for-module", first(NORM, ATTENTION, "F.dropout")),
    ("no-module", first(NORM, ATTENTION, "3")),
    ("tensor-for-size", first("nn.LayerNorm(torch.zeros(3))", ATTENTION, DROPOUT)),
    ("order-of-sizes", first(NORM, "MultiHeadAttention(num_heads, emb_size, dropout)", DROPOUT)),
    ("object-lacks", first(NORM, "self.attention", DROPOUT)),
    ("argument-unknown", first(NORM, "MultiHeadAttention(emb_size, num_heads, batch_first=True)", DROPOUT)),
    ("first-no-residual", block(f"nn.Sequential({NORM}, {ATTENTION}, {DROPOUT})", SECOND)),
    ("first-post-norm", block(f"nn.Sequential(ResidualAdd(nn.Sequential({ATTENTION}, {DROPOUT})), {NORM})", SECOND)),
    ("first-norm-outside", block(f"nn.Sequential({NORM}, ResidualAdd(nn.Sequential({ATTENTION}, {DROPOUT})))", SECOND)),
    (None, first(NORM, ATTENTION, "nn.GELU()", DROPOUT)),
    (None, first("nn.Identity()", "nn.Identity()", "nn.Identity()")),
    # the feed-forward half
    ("second-no-norm", second(FEED_FORWARD, DROPOUT)),
    ("second-norm-after", second(FEED_FORWARD, NORM, DROPOUT)),
    ("second-norm-after", second(FEED_FORWARD, DROPOUT, NORM)),
    ("second-two-norms", second(NORM, FEED_FORWARD, NORM, DROPOUT)),
    ("second-part-missing", second(NORM, DROPOUT)),
    ("second-part-repeated", second(NORM, FEED_FORWARD, FEED_FORWARD, DROPOUT)),
    ("second-residual-twice", second(NORM, f"ResidualAdd({FEED_FORWARD})", DROPOUT)),
    ("second-no-dropout", second(NORM, FEED_FORWARD)),
    ("second-no-dropout", second(DROPOUT, NORM, FEED_FORWARD)),
    ("expansion-default", second(NORM, "FeedForwardBlock(emb_size, dropout=dropout)", DROPOUT)),
    ("expansion-default", second(NORM, "FeedForwardBlock(emb_size)", DROPOUT)),
    ("expansion-as-size", second(NORM, "FeedForwardBlock(emb_size, expansion * emb_size, dropout)", DROPOUT)),
    ("expansion-is-heads", second(NORM, "FeedForwardBlock(emb_size, num_heads, dropout)", DROPOUT)),
    ("dropout-as-size", second(NORM, "FeedForwardBlock(emb_size, dropout)", DROPOUT)),
    ("size-fixed", second(NORM, "FeedForwardBlock(192, expansion, dropout)", DROPOUT)),
    ("norm-of-wrong-size", second("nn.LayerNorm(expansion * emb_size)", FEED_FORWARD, DROPOUT)),
    ("argument-missing", second(NORM, "FeedForwardBlock()", DROPOUT)),
    ("order-of-sizes", second(NORM, "FeedForwardBlock(expansion, emb_size, dropout)", DROPOUT)),
    ("expansion-as-size-4", second(NORM, "FeedForwardBlock(emb_size, 4 * emb_size, dropout)", DROPOUT)),
    ("one-linear", second(NORM, "nn.Linear(emb_size, emb_size)", DROPOUT)),
    ("number-for-tensor", second(NORM, FEED_FORWARD, "F.dropout(dropout)")),
    ("module-lacks", second("nn.layernorm(emb_size)", FEED_FORWARD, DROPOUT)),
    ("second-no-residual", block(FIRST, f"nn.Sequential({NORM}, {FEED_FORWARD}, {DROPOUT})")),
    ("second-post-norm", block(FIRST, f"nn.Sequential(ResidualAdd(nn.Sequential({FEED_FORWARD}, {DROPOUT})), {NORM})")),
    # both
    ("halves-swapped", block(SECOND, FIRST)),
    ("attention-twice", block(FIRST, FIRST)),
    ("feed-forward-twice", block(SECOND, SECOND)),
    ("norm-shared", block(FIRST.replace(NORM, "norm"), SECOND.replace(NORM, "norm"), before=f"norm = {NORM}")),
    ("one-residual", block(half(NORM, ATTENTION, DROPOUT, NORM, FEED_FORWARD, DROPOUT))),
    ("post-norm", block(half(ATTENTION, DROPOUT), NORM, half(FEED_FORWARD, DROPOUT), NORM)),
    ("norm-outside", block(NORM, half(ATTENTION, DROPOUT), NORM, half(FEED_FORWARD, DROPOUT))),
    ("first-norm-after", block(half(ATTENTION, NORM, DROPOUT), half(FEED_FORWARD, NORM, DROPOUT))),
    ("second-no-norm", block(half(ATTENTION, DROPOUT), half(FEED_FORWARD, DROPOUT))),
    (None, block(FIRST, SECOND, SECOND)),
    (None, block(FIRST)),
    (None, block()),
    (None, "class TransformerEncoderBlock(nn.Module):\n    def forward(self, x):\n        return x\n"),  # no arguments
    (None, block(FIRST, SECOND) + "\n    def forward(self, x):\n        super().forward(x)\n"),  # None
    (None, block(FIRST, SECOND) + "\n    def forward(self, x):\n        return super().forward(x) * float('nan')\n"),
    (None, block(FIRST, SECOND) + "\n    def forward(self, x):\n        return super().forward(x).to('meta')\n"),
    (None, "TransformerEncoderBlock = nn.Identity()\n"),
    (None, "class TransformerEncoderBlock:\n    def __init__(self, **sizes):\n        pass\n"),
]  # fmt: skip

RIGHT = [
    first(NORM, "MultiHeadAttention(emb_size=emb_size, num_heads=num_heads, dropout=dropout)", "nn.Dropout(p=dropout)"),
    first("nn.LayerNorm([emb_size])", ATTENTION, DROPOUT),
    second(NORM, "FeedForwardBlock(emb_size, expansion=expansion, dropout=dropout)", DROPOUT),
    # the block does not stand or fall with the student's own feed-forward block
    "class FeedForwardBlock(nn.Sequential):\n    def __init__(self, *sizes):\n        super().__init__(...)\n\n"
    + block(FIRST, SECOND),
    # not two halves in a row, but the same
    block(f"nn.Sequential({FIRST}, {SECOND})", "nn.Identity()"),
    block(f"nn.Sequential({FIRST}, {SECOND})"),
    # inline, under other names, put together in another order than they run
    """\
class TransformerEncoderBlock(nn.Module):
    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(emb_size, expansion * emb_size), nn.GELU(), nn.Linear(expansion * emb_size, emb_size)
        )
        self.after, self.before = nn.LayerNorm(emb_size), nn.LayerNorm(emb_size)
        self.mixer = MultiHeadAttention(emb_size, num_heads, dropout)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.mixer(self.before(x)))
        print("after attention", x.shape)
        return x + self.drop(self.mlp(self.after(x)))
""",
    """\
class TransformerEncoderBlock(nn.TransformerEncoderLayer):
    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        super().__init__(
            emb_size, num_heads, emb_size * expansion, dropout, activation="gelu", batch_first=True, norm_first=True
        )
""",
    """\
import warnings

class Half(nn.Module):
    def __init__(self, emb_size, work, dropout):
        super().__init__()
        self.norm, self.work, self.drop = nn.LayerNorm(emb_size), work, nn.Dropout(dropout)

    def forward(self, x):
        warnings.warn("a warning costs nothing")
        return self.drop(self.work(self.norm(x))).double() + x

class TransformerEncoderBlock(nn.Sequential):
    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        super().__init__()
        self.add_module("mix", Half(emb_size, MultiHeadAttention(emb_size, num_heads, dropout), dropout))
        self.add_module("think", Half(emb_size, FeedForwardBlock(emb_size, expansion, dropout), dropout))

    def forward(self, x):
        for half in self:
            x = half(x).float()
        return x
""",
    block(FIRST, SECOND) + "\n    def forward(self, x):\n        return super().forward(x).mT.contiguous().mT\n",
]  # fmt: skip
