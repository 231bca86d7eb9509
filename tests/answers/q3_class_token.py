PATTERN = '"() n e -> b n e"'
SIZE = "b=b"
CALL = """repeat(
            self.cls_token,
            "() n e -> b n e",  # blank: ...,  # the pattern, and b
            b=b,  # blank
        )"""
CAT = "torch.cat([cls_tokens, x], dim=1)"
RETURN = "        return x"

WRONG = [
    ("pattern-does-not-fit", {PATTERN: '"() n e -> b n (e b)"'}),
    ("list-for-result", {CAT: "[cls_tokens, x]"}),
    ("gradient-to-numpy", {CAT: "np.concatenate([cls_tokens, x])"}),
    ("axis-not-there", {CAT: "torch.cat([cls_tokens, x], dim=3)"}),
    ("value-called", {CAT: "torch.cat([cls_tokens(x), x], dim=1)"}),
    ("name-not-known", {CAT: "torch.cat([cls_token, x], dim=1)"}),
    ("function-without-module", {CAT: "cat([cls_tokens, x], dim=1)"}),
    ("tensor-lacks", {CAT: "cls_tokens.append(x)"}),
    ("import-rearrange", {CAT: "rearrange([cls_tokens, x], 'a b c -> b a c')"}),
    ("not-repeated", {CALL: "self.cls_token"}),
    ("not-repeated", {PATTERN: '"b n e -> b n e"', SIZE: "b=1"}),
    ("not-repeated", {PATTERN: '"() n e -> n b e"', SIZE: "b=1"}),
    ("wrong-count", {SIZE: "b=32"}),
    ("wrong-count", {SIZE: "b=x.shape[1]"}),
    ("wrong-count", {PATTERN: '"1 1 e -> 2 1 e"', "            b=b,  # blank\n": ""}),
    ("one-per-patch", {PATTERN: '"() () e -> b n e"', SIZE: "b=b, n=x.shape[1]"}),
    ("several", {PATTERN: '"() n e -> b (n m) e"', SIZE: "b=b, m=3"}),
    ("axes-merged", {PATTERN: '"() n e -> (b n) e"'}),
    ("axes-merged", {PATTERN: '"() n e -> () b n e"'}),
    ("features-moved", {PATTERN: '"() n e -> b e n"'}),
    ("no-size", {PATTERN: '"() n e -> b n e"', "            b=b,  # blank\n": ""}),
    ("letter-lost", {PATTERN: '"a n e -> b n e"'}),
    ("axes-on-the-left", {PATTERN: '"n e -> b n e"'}),
    ("not-length-one", {PATTERN: '"b n e -> b n e"'}),
    ("no-arrow", {PATTERN: '"() n e, b n e"'}),
    ("size-unused", {PATTERN: '"() n e -> () n e"'}),
    ("no-gradient", {CALL: 'repeat(self.cls_token.data, "() n e -> b n e", b=b)'}),
    ("no-gradient", {CALL: 'repeat(self.cls_token, "() n e -> b n e", b=b).detach()'}),
    ("no-gradient", {CALL: "torch.tensor(self.cls_token.tolist()).expand(b, -1, -1)"}),
    ("zeros", {CALL: "torch.zeros(b, 1, x.shape[2])"}),
    ("ones", {CALL: "torch.ones(b, 1, x.shape[2])"}),
    ("mean-in-front", {CALL: "x.mean(dim=1, keepdim=True)"}),
    ("different-tokens", {CALL: "torch.randn(b, 1, x.shape[2])"}),
    ("different-tokens", {CALL: "self.cls_token * torch.arange(1, b + 1)[:, None, None]"}),
    ("other-token", {CALL: "torch.randn(1, 1, x.shape[2]).expand(b, -1, -1)"}),
    ("other-token", {CALL: "nn.Parameter(torch.randn(1, 1, x.shape[2])).expand(b, -1, -1)"}),
    (None, {CALL: "2 * self.cls_token.expand(b, -1, -1)"}),
    (None, {PATTERN: "None"}),
    (None, {CALL: "repeat(self.token, b=b)"}),
    ("at-the-end", {CAT: "torch.cat([x, cls_tokens], dim=1)"}),
    ("cat-the-batch", {CAT: "torch.cat([cls_tokens, x], dim=0)"}),
    ("cat-the-batch", {CAT: "torch.cat([cls_tokens, x])"}),
    ("cat-the-features", {CAT: "torch.cat([cls_tokens, x], dim=2)"}),
    ("cat-the-features", {CAT: "torch.cat([cls_tokens, x], dim=-1)"}),
    ("cat-wants-a-list", {CAT: "torch.cat(cls_tokens, x, dim=1)"}),
    ("stacked", {CAT: "torch.stack([cls_tokens, x], dim=1)"}),
    ("added", {CAT: "cls_tokens + x"}),
    ("patches-lost", {CAT: "cls_tokens"}),
    ("not-joined", {CAT: "x"}),
    ("first-patch-overwritten", {CAT: "torch.cat([cls_tokens, x[:, 1:]], dim=1)"}),
    ("several", {CAT: "torch.cat([cls_tokens, cls_tokens, x], dim=1)"}),
    ("several", {CAT: "torch.cat([cls_tokens, x, cls_tokens], dim=1)"}),
    ("not-repeated", {CALL: "self.cls_token", CAT: "torch.cat([x, cls_tokens], dim=1)"}),
    ("batch-in-a-row", {CAT: "torch.cat([cls_tokens, x], dim=1).flatten(0, 1)"}),
    (None, {CAT: "torch.cat([cls_tokens, x.flip(1)], dim=1)"}),
    (None, {CAT: "torch.cat([cls_tokens, x.detach() * 2], dim=1)"}),
    ("gradient-cut", {CAT: "torch.cat([cls_tokens, x.detach()], dim=1)"}),
    (None, {CAT: "[cls_tokens, x]"}),
    (None, {CAT: "torch.cat([cls_tokens, x], dim=1).to('meta')"}),
    (None, {CAT: "torch.cat([cls_tokens, x], dim=1) * float('nan')"}),
    (None, {CAT: "torch.cat([cls_tokens, y], dim=1)"}),  # NameError
    (None, {RETURN: "        pass"}),  # None
    (None, {RETURN: "        return x.tolist()"}),
    (
        None,
        {
            "self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))": "self.cls_token = torch.randn(1, 1, emb_size)"
        },
    ),
    (
        None,
        {
            "self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))": "self.token = nn.Parameter(torch.randn(1, 1, emb_size))",
            "self.cls_token,": "self.token,",
        },
    ),
    (None, {"nn.Parameter(torch.randn(1, 1, emb_size))": "nn.Parameter(torch.randn(1, 2, emb_size))"}),
    (None, "PatchEmbedding = None"),
    (None, "PatchEmbedding = nn.Identity()"),
    (None, "class PatchEmbedding(nn.Module):\n    pass"),
]

RIGHT = [
    {PATTERN: '"1 1 e -> b 1 e"'},
    {PATTERN: '"() () features -> batch () features"', SIZE: "batch=len(x)"},
    {PATTERN: '"one n e -> (b one) n e"'},
    {SIZE: "b=x.size(0)"},
    {CALL: "self.cls_token.expand(b, -1, -1)"},
    {CALL: "self.cls_token.repeat(b, 1, 1)"},
    {CALL: "torch.stack([self.cls_token[0]] * b)"},
    {CALL: "torch.ones(b, 1, 1) @ self.cls_token"},
    {CAT: "torch.cat((cls_tokens, x), 1)"},
    {CAT: "torch.hstack([cls_tokens, x])"},
    {CAT: "torch.concat([cls_tokens, x], dim=-2)"},
    {CAT: "torch.cat([cls_tokens.mT, x.mT], dim=2).mT.double()"},
    {RETURN: "        print(x.shape)\n        return x"},
    """\
import warnings

class PatchEmbedding(nn.Module):
    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.patch_size, self.note = patch_size, "an attribute of my own"
        self.projection = nn.Sequential(
            Rearrange("b c (h i) (w j) -> b (w h) (c i j)", i=patch_size, j=patch_size),
            nn.Linear(in_channels * patch_size**2, emb_size),
        )
        self.cls_token = nn.Parameter(torch.zeros(emb_size))

    def forward(self, x):
        warnings.warn("a warning costs nothing")
        x = self.projection(x)
        out = torch.zeros(x.shape[0], x.shape[1] + 1, x.shape[2])
        out[:, 0] = self.cls_token
        out[:, 1:] = x
        return out
""",
    """\
def add_token(token, x):
    return torch.stack([torch.cat([token[0], image]) for image in x])

class PatchEmbedding(nn.Module):
    def __init__(self, in_channels, patch_size, emb_size, img_size):
        super().__init__()
        self.projection = nn.Sequential(
            nn.Conv2d(in_channels, emb_size, patch_size, patch_size), nn.Flatten(2), Rearrange("b e n -> b n e")
        )
        self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))

    def forward(self, x):
        return add_token(self.cls_token, self.projection(x))
""",
]
