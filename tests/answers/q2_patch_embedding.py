PATTERN = '"b c (h p1) (w p2) -> b (h w) (p1 p2 c)"'
IN = "in_channels * patch_size**2"
LINEAR = "nn.Linear(in_channels * patch_size**2, emb_size)"
FORWARD = "        return self.projection(x)"


def conv(arguments, after=".flatten(2).transpose(1, 2)"):
    """The exercise's cell with a convolution."""
    return f"""\
class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.projection = nn.Conv2d({arguments})

    def forward(self, x):
        return self.projection(x){after}
"""


AVERAGED = """\
class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.pool, self.linear = nn.AvgPool2d(patch_size), nn.Linear(in_channels, emb_size)

    def forward(self, x):
        return self.linear(self.pool(x).flatten(2).transpose(1, 2))
"""

WRONG = [
    ("far-apart", {PATTERN: '"b c (p1 h) (p2 w) -> b (h w) (p1 p2 c)"'}),
    ("far-apart-rows", {PATTERN: '"b c (p1 h) (w p2) -> b (h w) (p1 p2 c)"'}),
    ("far-apart-columns", {PATTERN: '"b c (h p1) (p2 w) -> b (w h) (c p1 p2)"'}),
    ("channels-as-tokens", {PATTERN: '"b c (h p1) (w p2) -> b (h w c) (p1 p2)"'}),
    (
        "channels-as-tokens",
        {PATTERN: '"b c (h p1) (w p2) -> b (c h w) (p1 p2)"', LINEAR: "nn.Linear(patch_size**2, emb_size)"},
    ),
    ("patches-in-the-batch", {PATTERN: '"b c (h p1) (w p2) -> (b h w) (p1 p2 c)"'}),
    ("patches-in-the-batch", {PATTERN: '"b c (h p1) (w p2) -> (b h w) 1 (p1 p2 c)"'}),
    ("patches-in-the-batch", {PATTERN: '"b c (h p1) (w p2) -> (b h w) c p1 p2"'}),
    ("features-first", {PATTERN: '"b c (h p1) (w p2) -> b (p1 p2 c) (h w)"'}),
    ("pixels-as-tokens", {PATTERN: '"b c (h p1) (w p2) -> b (p1 p2) (h w c)"'}),
    ("one-token-a-pixel", {PATTERN: '"b c (h p1) (w p2) -> b (h p1 w p2) c"'}),
    ("rows-as-tokens", {PATTERN: '"b c (h p1) (w p2) -> b h (w p1 p2 c)"'}),
    ("columns-as-tokens", {PATTERN: '"b c (h p1) (w p2) -> b w (h p1 p2 c)"'}),
    ("batch-swapped", {PATTERN: '"b c (h p1) (w p2) -> (h w) b (p1 p2 c)"'}),
    ("grid-kept", {PATTERN: '"b c (h p1) (w p2) -> b h w (p1 p2 c)"'}),
    ("channels-apart", {PATTERN: '"b c (h p1) (w p2) -> b c (h w) (p1 p2)"'}),
    ("channels-last", {PATTERN: '"b (h p1) (w p2) c -> b (h w) (p1 p2 c)"'}),
    ("axes-on-the-left", {PATTERN: '"b c h p1 w p2 -> b (h w) (p1 p2 c)"'}),
    ("axes-on-the-left", {PATTERN: '"c (h p1) (w p2) -> (h w) (p1 p2 c)"'}),
    ("letter-lost", {PATTERN: '"b c (h p1) (w p2) -> b (h w) (p1 p2)"'}),
    ("letter-lost", {PATTERN: '"b c h w -> b (h w) (p1 p2 c)"'}),
    ("not-split", {PATTERN: '"b c h w -> b (h w) c"'}),
    ("no-arrow", {PATTERN: '"b (h w) (p1 p2 c)"'}),
    ("brackets", {PATTERN: '"b c (h p1) (w p2) -> b (h w) (p1 p2 c"'}),
    ("letter-twice", {PATTERN: '"b c (h p1) (h p2) -> b (h h) (p1 p2 c)"'}),
    ("other-signs", {PATTERN: '"b c (h*p1) (w*p2) -> b (h*w) (p1*p2*c)"'}),
    ("no-sizes", {PATTERN: '"b c (h w) (p1 p2) -> b (h w) (p1 p2 c)"'}),
    (None, {PATTERN: '"b c (h p1) (w p2) -> b (h w) (p1 p2 c)".split()'}),
    (None, {PATTERN: "None"}),
    ("pixels-apart", {PATTERN: '"b c (h p1) (w p2) -> b (h w) p1 p2 c"'}),
    ("grid-fixed", {PATTERN: PATTERN + ", h=img_size // patch_size, w=img_size // patch_size"}),
    ("numbers-in-the-pattern", {PATTERN: '"b c (h 4) (w 4) -> b (h w) (4 4 c)"'}),
    ("axes-on-the-left", {FORWARD: "        return self.projection(x.mean(dim=1))"}),
    ("no-token-axis", {FORWARD: "        return self.projection(x).mean(dim=1)"}),
    ("no-stride", conv("in_channels, emb_size, kernel_size=patch_size")),
    ("no-stride", conv("in_channels, emb_size, patch_size, stride=patch_size // 2")),
    ("patch-of-4", conv("in_channels, emb_size, 4, stride=4")),
    ("some-unread", conv("in_channels, emb_size, patch_size, patch_size, padding=1")),
    ("conv-not-flattened", conv("in_channels, emb_size, patch_size, patch_size", "")),
    ("conv-not-moved", conv("in_channels, emb_size, patch_size, patch_size", ".flatten(2)")),
    ("no-token-axis", conv("in_channels, emb_size, patch_size, patch_size", ".flatten(1)")),
    ("conv-channels", conv("3, 192, 4, 4")),
    ("conv-channels", conv("emb_size, in_channels, patch_size, patch_size")),
    ("sizes-of-reshape", conv("in_channels, emb_size, patch_size, patch_size", ".reshape(len(x), -1, 192)")),
    ("averaged", AVERAGED),
    ("channels-only", AVERAGED),
    ("emb-size-in", {IN: "emb_size"}),
    ("caret", {IN: "in_channels * patch_size ^ 2"}),
    ("caret-in-brackets", {IN: "in_channels * (patch_size ^ 2)"}),
    ("from-img-size", {IN: "img_size**2"}),
    ("from-img-size", {IN: "in_channels * (img_size // patch_size) ** 2"}),
    ("in-written-out", {IN: "64"}),
    ("out-written-out", {LINEAR: f"nn.Linear({IN}, 64)"}),
    ("size-missing", {LINEAR: f"nn.Linear({IN})"}),
    ("letters-as-names", {IN: "p1 * p2 * c"}),
    ("letters-as-names", {IN: "x.shape[1] * patch_size**2"}),
    ("norm-size", {LINEAR: "nn.LayerNorm(emb_size)"}),
    ("no-channels", {IN: "patch_size**2"}),
    ("side-only", {IN: "in_channels * patch_size"}),
    ("patch-size-only", {IN: "patch_size"}),
    ("channels-only", {IN: "in_channels"}),
    ("doubled", {IN: "in_channels * patch_size * 2"}),
    ("channels-squared", {IN: "(in_channels * patch_size)**2"}),
    ("channels-added", {IN: "in_channels + patch_size**2"}),
    ("fixed-48", {IN: "48"}),
    ("three-channels", {IN: "3 * patch_size**2"}),
    ("whole-image", {IN: "in_channels * img_size**2"}),
    ("number-of-patches", {IN: "(img_size // patch_size) ** 2"}),
    ("sizes-swapped", {LINEAR: "nn.Linear(emb_size, in_channels * patch_size**2)"}),
    ("fixed-192", {LINEAR: "nn.Linear(in_channels * patch_size**2, 192)"}),
    ("out-like-in", {LINEAR: "nn.Linear(in_channels * patch_size**2, in_channels * patch_size**2)"}),
    ("out-patch-size", {LINEAR: "nn.Linear(in_channels * patch_size**2, patch_size)"}),
    ("out-channels", {LINEAR: "nn.Linear(in_channels * patch_size**2, in_channels)"}),
    ("out-patches", {LINEAR: "nn.Linear(in_channels * patch_size**2, (img_size // patch_size)**2)"}),
    ("linear-float", {IN: "in_channels * patch_size**2 / 1"}),
    (None, {LINEAR: "nn.Linear(in_channels * patch_size**2 + 1, emb_size)"}),
    (None, {LINEAR: "nn.Identity()"}),
    (None, {LINEAR: "nn.Sequential(nn.Linear(in_channels * patch_size**2, emb_size), nn.ReLU())"}),
    ("no-channels", {PATTERN: '"b c (h p1) (w p2) -> b (h w c) (p1 p2)"', IN: "patch_size**2"}),
    (
        "other-arguments",
        {"in_channels=3, patch_size=4": "channels=3, patch_size=4", IN: "channels * patch_size**2"},
    ),
    (None, {FORWARD: "        self.projection(x)"}),  # None
    (None, {FORWARD: "        return self.projection(x) * float('nan')"}),
    (None, {FORWARD: "        return self.projection(x).to('meta')"}),
    (None, {FORWARD: "        return self.projection(x).to(torch.complex64)"}),
    (None, {FORWARD: "        return 'tokens'"}),
    (
        None,
        {
            FORWARD: "        return self.projection(x) + torch.arange(self.projection(x).shape[1])[:, None] * x.sum()"
        },
    ),
    (None, {FORWARD: "        return self.projection(x) * 0"}),
    (None, {FORWARD: "        return self.project(x)"}),
    (None, "PatchEmbedding = nn.Conv2d(3, 192, kernel_size=4, stride=4)"),
    (None, "PatchEmbedding = None"),
    (None, "PatchEmbedding = dict"),
]

RIGHT = [
    {PATTERN: '"b c (h p1) (w p2) -> b (w h) (c p2 p1)"'},
    {PATTERN: '"batch colour (row p1) (column p2) -> batch (row column) (colour p1 p2)"'},
    {PATTERN: '"b c (h p1) (w p2) -> b (h w) (p2 c p1)"'},
    {
        PATTERN: '"b c (h s1) (w s2) -> b (h w) (s1 s2 c)"',
        "p1=patch_size": "s1=patch_size",
        "p2=patch_size": "s2=patch_size",
    },
    {LINEAR: "nn.Linear(patch_size * patch_size * in_channels, emb_size)"},
    {LINEAR: "nn.Linear(out_features=emb_size, in_features=in_channels * patch_size**2)"},
    {LINEAR: "nn.LazyLinear(emb_size)"},
    {LINEAR: "nn.Linear(in_channels * patch_size**2, emb_size, bias=False)"},
    {LINEAR: "nn.Linear(int(np.prod([in_channels, patch_size, patch_size])), emb_size)"},
    {FORWARD: "        print(x.shape)\n        return self.projection(x).double()"},
    """\
class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.projection = nn.Conv2d(in_channels, emb_size, kernel_size=patch_size, stride=patch_size)

    def forward(self, x):
        return self.projection(x).flatten(2).transpose(1, 2)
""",
    """\
class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.unfold = nn.Unfold(kernel_size=patch_size, stride=patch_size)
        self.linear = nn.Linear(in_channels * patch_size ** 2, emb_size)

    def forward(self, x):
        return self.linear(self.unfold(x).mT)
""",
    """\
import warnings

class PatchEmbedding(nn.Module):
    def __init__(self, in_channels, patch_size, emb_size, img_size):
        super().__init__()
        self.p, self.note = patch_size, "an attribute of my own"
        self.weight = nn.Parameter(torch.zeros(in_channels * patch_size**2, emb_size))

    def forward(self, x):
        warnings.warn("a warning costs nothing")
        b, c, h, w = x.shape
        cut = x.reshape(b, c, h // self.p, self.p, w // self.p, self.p).permute(0, 2, 4, 1, 3, 5)
        return cut.reshape(b, -1, c * self.p**2) @ self.weight
""",
    """\
class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.patch_size = patch_size
        self.projection = nn.Linear(in_channels * patch_size**2, emb_size)

    def forward(self, x):
        p = self.patch_size
        tokens = []
        for top in range(0, x.shape[2], p):
            for left in range(0, x.shape[3], p):
                tokens.append(self.projection(x[:, :, top : top + p, left : left + p].flatten(1)))
        return torch.stack(tokens, dim=1)
""",
]
