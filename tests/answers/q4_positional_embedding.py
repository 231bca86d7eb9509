SIZES = "(img_size // patch_size) ** 2 + 1, emb_size  #"
BLANK = "seq_len, d = " + SIZES
ROWS = "seq_len, d = (img_size // patch_size) ** 2 + 1"
CALL = "torch.from_numpy(getPositionEncoding(seq_len, d))"
TABLE = "        self.sinusoids_positions = " + CALL
ADD = "x = x + positions"
CHOICE = "positions = self.learnable_positions if self.learnable else self.sinusoids_positions"
RETURN = "        return x"


def sizes(text):
    return {BLANK: f"seq_len, d = {text}  #"}


def add(text):
    return {ADD: f"x = {text}"}


WRONG = [
    # rows
    ("no-class-token", sizes("(img_size // patch_size) ** 2, emb_size")),
    ("no-class-token", sizes("(img_size // patch_size) ** 2 + 0, emb_size")),
    ("no-class-token", {CALL: "torch.from_numpy(getPositionEncoding(seq_len - 1, d))", ROWS: ROWS}),
    ("two-more", sizes("(img_size // patch_size) ** 2 + 2, emb_size")),
    ("not-squared", sizes("img_size // patch_size + 1, emb_size")),
    ("one-side-alone", sizes("img_size // patch_size, emb_size")),
    ("doubled", sizes("(img_size // patch_size) * 2 + 1, emb_size")),
    ("one-before-square", sizes("(img_size // patch_size + 1) ** 2, emb_size")),
    ("pixels", sizes("img_size ** 2 + 1, emb_size")),
    ("pixels-of-a-patch", sizes("patch_size ** 2 + 1, emb_size")),
    ("precedence", sizes("img_size // patch_size ** 2 + 1, emb_size")),
    ("precedence", sizes("int(img_size / patch_size ** 2) + 1, emb_size")),
    ("squared-too-early", sizes("img_size ** 2 // patch_size + 1, emb_size")),
    ("product-of-sizes", sizes("(img_size * patch_size) ** 2 + 1, emb_size")),
    ("image-side", sizes("img_size, emb_size")),
    ("image-side-one", sizes("img_size + 1, emb_size")),
    ("rows-64", sizes("64, emb_size")),
    ("rows-65", sizes("65, emb_size")),
    ("rows-197", sizes("197, emb_size")),
    ("float-rows", sizes("(img_size / patch_size) ** 2 + 1, emb_size")),
    ("caret-rows", sizes("(img_size // patch_size) ^ 2 + 1, emb_size")),
    ("caret-rows-in-brackets", sizes("((img_size // patch_size) ^ 2) + 1, emb_size")),
    ("side-minus-patch", sizes("(img_size - patch_size) ** 2 + 1, emb_size")),
    ("sizes-written-out", sizes("65, 192")),
    ("sizes-written-out", sizes("8, 5")),
    ("count-to-unpack", sizes("(img_size // patch_size) ** 2, 1, emb_size")),
    ("one-argument", sizes("(img_size // patch_size) ** 2 + 1")),
    ("import-math", sizes("math.sqrt(img_size), emb_size")),
    ("name-not-known", sizes("num_patches + 1, emb_size")),
    ("caret", sizes("(img_size / patch_size) ^ 2 + 1, emb_size")),
    (None, sizes("(img_size // patch_size) ^ 2 + 1, emb_size")),  # runs: xor of ints
    # columns, or both
    ("swapped", sizes("emb_size, (img_size // patch_size) ** 2 + 1")),
    ("swapped", {CALL: "torch.from_numpy(getPositionEncoding(d, seq_len))", ROWS: ROWS}),
    ("half-width", sizes("(img_size // patch_size) ** 2 + 1, emb_size // 2")),
    ("width-plus-one", sizes("(img_size // patch_size) ** 2, emb_size + 1")),
    ("both-plus-one", sizes("(img_size // patch_size) ** 2 + 1, emb_size + 1")),
    ("channels", sizes("(img_size // patch_size) ** 2 + 1, 3")),
    ("patch-width", sizes("(img_size // patch_size) ** 2 + 1, 3 * patch_size ** 2")),
    ("patch-size-width", sizes("(img_size // patch_size) ** 2 + 1, patch_size")),
    ("image-width", sizes("(img_size // patch_size) ** 2 + 1, img_size")),
    ("square-table", sizes("(img_size // patch_size) ** 2 + 1, (img_size // patch_size) ** 2 + 1")),
    ("width-512", sizes("(img_size // patch_size) ** 2 + 1, 512")),
    ("width-768", sizes("(img_size // patch_size) ** 2 + 1, 768")),
    ("one-outside", {**sizes("(img_size // patch_size) ** 2, emb_size"), CALL: CALL + " + 1"}),
    ("other-waves", {CALL: "torch.from_numpy(getPositionEncoding(seq_len, d, 100))", ROWS: ROWS}),
    ("self-missing-sizes", sizes("(self.img_size // self.patch_size) ** 2 + 1, emb_size")),
    (None, sizes("(img_size // patch_size) ** 2 + 1")),  # not two values
    (None, sizes("num_patches + 1, emb_size")),  # NameError
    (None, sizes("None, emb_size")),
    (None, sizes("self.learnable_positions, emb_size")),
    (None, {CALL: "self.learnable_positions.detach()", ROWS: ROWS}),
    (None, {CALL: "None", ROWS: ROWS}),
    (None, {CALL: CALL + ".to('meta')", ROWS: ROWS}),
    (None, {CALL: CALL + ".int()", ROWS: ROWS}),
    (None, {"self.sinusoids_positions": "self.positions"}),
    # the addition
    ("nothing-added", add("x")),
    ("positions-alone", add("positions")),
    ("positions-alone-batch", add("positions.expand(len(x), -1, -1)")),
    ("multiplied", add("x * positions")),
    ("subtracted", add("x - positions")),
    ("subtracted-reverse", add("positions - x")),
    ("concatenated", add("torch.cat([x, positions.expand(len(x), -1, -1)], dim=2)")),
    ("appended", add("torch.cat([x, positions.repeat(len(x), 1, 1)], dim=1)")),
    ("patches-only", add("torch.cat([x[:, :1], x[:, 1:] + positions[1:]], dim=1)")),
    ("patches-shifted", add("torch.cat([x[:, :1], x[:, 1:] + positions[:-1]], dim=1)")),
    ("class-token-only", add("torch.cat([x[:, :1] + positions[0], x[:, 1:]], dim=1)")),
    ("class-token-lost", add("x[:, 1:] + positions[1:]")),
    ("first-row-for-all", add("x + positions[0]")),
    ("row-sum", add("x + positions.sum(dim=0)")),
    ("row-mean", add("x + positions.mean(dim=0)")),
    ("backwards", add("x + positions.flip(0)")),
    ("twice", add("x + positions + positions")),
    ("halved", add("(x + positions) / 2")),
    ("tokens-scaled", add("x * x.shape[-1] ** 0.5 + positions")),
    ("normalised", add("nn.functional.layer_norm(x + positions, x.shape[-1:])")),
    ("always-sinusoids", add("x + self.sinusoids_positions")),
    ("always-learnable", add("x + self.learnable_positions")),
    ("both-kinds", add("x + self.sinusoids_positions + self.learnable_positions")),
    ("both-kinds-one-twice", add("x + positions + self.sinusoids_positions")),
    ("both-kinds-learned-twice", add("x + positions + self.learnable_positions")),
    ("cat-2d-3d", add("torch.cat([x, positions], dim=1)")),
    ("shapes-do-not-fit", add("x + positions.T")),
    ("shapes-do-not-fit", add("x @ positions")),
    ("shapes-do-not-fit", add("x + positions[1:]")),
    ("shapes-do-not-fit", add("x[:, 1:] + positions")),
    ("shapes-do-not-fit", add("x + positions.unsqueeze(1)")),
    ("class-token-for-all", add("positions + cls_tokens")),
    ("repeat-axes", add("x + positions.repeat(len(x))")),
    ("shapes-differ", add("x + getPositionEncoding(len(x), 5)")),
    ("name-not-known", add("x + P")),
    ("called", add("x + positions(x)")),
    ("in-a-list", add("[x, positions]")),
    ("self-positions", add("x + self.positions")),
    (None, add("x.sum() + positions")),
    (None, add("torch.relu(x + positions)")),
    (None, add("x + pos_embed")),  # NameError
    (None, add("None")),
    (None, add("(x + positions).to('meta')")),
    (None, add("(x + positions) / 0")),
    (None, {RETURN: "        pass", ADD: ADD}),
    # both at once: each is named
    ("no-class-token", {**sizes("(img_size // patch_size) ** 2, emb_size"), **add("x * positions")}),
    ("multiplied", {**sizes("(img_size // patch_size) ** 2, emb_size"), **add("x * positions")}),
    # not a class any more
    (None, "PositionalEmbedding = 3\n"),
    (None, "def PositionalEmbedding(x):\n    return x\n"),
    (
        "other-constructor",
        """\
class PositionalEmbedding(nn.Module):
    def __init__(self, width):
        super().__init__()
""",
    ),
]

RIGHT = [
    sizes("(img_size // patch_size) * (img_size // patch_size) + 1, emb_size"),
    sizes("1 + pow(img_size // patch_size, 2), emb_size"),
    sizes("int((img_size / patch_size) ** 2) + 1, emb_size"),
    sizes("img_size ** 2 // patch_size ** 2 + 1, emb_size"),
    sizes("self.learnable_positions.shape"),
    sizes("len(self.learnable_positions), self.cls_token.shape[-1]"),
    sizes("((img_size // patch_size) ** 2 + 1, emb_size)"),
    {CALL: "torch.from_numpy(getPositionEncoding((img_size // patch_size) ** 2 + 1, emb_size))", ROWS: ROWS},
    {CALL: "torch.from_numpy(getPositionEncoding(seq_len=seq_len, d=d)).float()", ROWS: ROWS},
    {CALL: f"nn.Parameter({CALL}, requires_grad=False)", ROWS: ROWS},
    {CALL: f"nn.Parameter({CALL}.float(), requires_grad=False)", ROWS: ROWS},
    {CALL: f"{CALL}[None]", ROWS: ROWS},
    {CALL: "torch.tensor(getPositionEncoding(seq_len, d), dtype=torch.float32)", ROWS: ROWS},
    {TABLE: f"        self.register_buffer('sinusoids_positions', {CALL})"},
    {TABLE: f"        self.register_buffer('sinusoids_positions', {CALL}.float(), persistent=False)"},
    {TABLE: TABLE + "\n        self.width = emb_size\n        print('an extra attribute costs nothing')"},
    add("positions + x"),
    add("torch.add(x, positions)"),
    add("x + positions.unsqueeze(0)"),
    add("x + positions.expand(len(x), -1, -1)"),
    add("x + positions.to(x)"),
    add("x.double() + positions.double()"),
    add("torch.stack([image + positions for image in x])"),
    add("torch.stack([x, positions.expand_as(x)]).sum(dim=0)"),
    add("(x.transpose(1, 2) + positions.T).transpose(1, 2)"),
    {ADD: "x += positions"},
    add("x + (self.learnable_positions if self.learnable else self.sinusoids_positions)"),
    """\
class PositionalEmbedding(nn.Module):
    def __init__(self, patch_size, emb_size, img_size, learnable=False):
        super().__init__()
        self.learnable = learnable
        self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))
        count = (img_size // patch_size) ** 2 + 1
        self.learnable_positions = nn.Parameter(torch.randn(count, emb_size))
        waves = torch.from_numpy(getPositionEncoding(count, emb_size))
        self.register_buffer("sinusoids_positions", waves.float())

    def forward(self, x):
        import warnings

        warnings.warn("a warning costs nothing")
        x = torch.cat([self.cls_token.repeat(x.shape[0], 1, 1), x], dim=1)
        if self.learnable:
            return x + self.learnable_positions
        return x + self.sinusoids_positions.to(x.device)
""",
]
