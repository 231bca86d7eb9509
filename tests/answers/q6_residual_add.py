SUM = "x + self.fn(x, **kwargs)"
LINE = "        out = x + self.fn(x, **kwargs)"
RETURN = "        return out"


def body(*lines):
    """Lines in place of the answer's line."""
    return {LINE: "\n".join(" " * 8 + line for line in lines)}


WRONG = [
    ("x-alone", {SUM: "x"}),
    ("x-alone", {RETURN: "        return x", SUM: SUM}),
    ("fn-alone", {SUM: "self.fn(x, **kwargs)"}),
    ("fn-twice", {SUM: "self.fn(x, **kwargs) + self.fn(x, **kwargs)"}),
    ("fn-twice", {SUM: "2 * self.fn(x, **kwargs)"}),
    ("x-doubled", {SUM: "x + x"}),
    ("x-twice", {SUM: "2 * x + self.fn(x, **kwargs)"}),
    ("multiplied", {SUM: "x * self.fn(x, **kwargs)"}),
    ("x-minus-fn", {SUM: "x - self.fn(x, **kwargs)"}),
    ("fn-minus-x", {SUM: "self.fn(x, **kwargs) - x"}),
    ("fn-of-the-sum", {SUM: "self.fn(x + x, **kwargs)"}),
    ("fn-of-fn", {SUM: "self.fn(self.fn(x, **kwargs), **kwargs)"}),
    ("fn-of-fn-added", {SUM: "self.fn(self.fn(x, **kwargs), **kwargs) + x"}),
    ("fn-of-residual", {SUM: "self.fn(x + self.fn(x, **kwargs), **kwargs)"}),
    ("y-plus-fn-of-y", body("x = self.fn(x, **kwargs)", "out = x + self.fn(x, **kwargs)")),
    ("fn-twice", body("x = self.fn(x, **kwargs)", "out = x + x")),
    ("mean", {SUM: "(x + self.fn(x, **kwargs)) / 2"}),
    ("maximum", {SUM: "torch.max(x, self.fn(x, **kwargs))"}),
    ("concatenated-last", {SUM: "torch.cat([x, self.fn(x, **kwargs)], dim=-1)"}),
    ("concatenated-first", {SUM: "torch.cat([x, self.fn(x, **kwargs)])"}),
    ("concatenated-tokens", {SUM: "torch.cat([x, self.fn(x, **kwargs)], dim=1)"}),
    ("stacked", {SUM: "torch.stack([x, self.fn(x, **kwargs)])"}),
    ("summed-up", {SUM: "(x + self.fn(x, **kwargs)).sum()"}),
    ("summed-up", {SUM: "(x + self.fn(x, **kwargs)).sum(dim=-1)"}),
    ("relu-after", {SUM: "torch.relu(x + self.fn(x, **kwargs))"}),
    ("norm-after", {SUM: "nn.functional.layer_norm(x + self.fn(x, **kwargs), x.shape[-1:])"}),
    ("norm-before", {SUM: "x + self.fn(nn.functional.layer_norm(x, x.shape[-1:]), **kwargs)"}),
    ("kwargs-dropped", {SUM: "x + self.fn(x)"}),
    ("in-place", body("x += self.fn(x, **kwargs)", "out = x")),
    ("in-place", body("out = x", "out += self.fn(x, **kwargs)")),
    ("in-place", {SUM: "x.add_(self.fn(x, **kwargs))"}),
    ("in-place-result", body("out = self.fn(x, **kwargs)", "out += x")),
    ("in-place-result", {SUM: "self.fn(x, **kwargs).add_(x)"}),
    ("called-twice", body("print(self.fn(x, **kwargs).shape)", "out = x + self.fn(x, **kwargs)")),
    ("called-twice", {SUM: "x + (self.fn(x, **kwargs) + self.fn(x, **kwargs)) / 2"}),
    ("skip-detached", {SUM: "x.detach() + self.fn(x, **kwargs)"}),
    ("skip-detached", {SUM: "x.data + self.fn(x, **kwargs)"}),
    ("branch-detached", {SUM: "x + self.fn(x, **kwargs).detach()"}),
    ("branch-detached", {SUM: "x + self.fn(x.detach(), **kwargs)"}),
    ("no-gradient", body("with torch.no_grad():", "    out = x + self.fn(x, **kwargs)")),
    ("no-gradient", {SUM: "(x + self.fn(x, **kwargs)).detach()"}),
    ("not-registered", {"self.fn = fn": "self.fns = [fn]", SUM: "x + self.fns[0](x, **kwargs)"}),
    ("in-place-error", {SUM: "x + self.fn(x.mul_(1), **kwargs)"}),
    ("fn-without-self", {SUM: "x + fn(x, **kwargs)"}),
    ("x-on-self", {SUM: "self.x + self.fn(x, **kwargs)"}),
    ("fn-not-called", {SUM: "x + self.fn"}),
    ("fn-without-x", {SUM: "x + self.fn(**kwargs)"}),
    ("kwargs-positional", {SUM: "x + self.fn(x, kwargs)"}),
    ("kwargs-positional", {SUM: "x + self.fn(x, *kwargs)"}),
    ("kwargs-positional", {SUM: "x + self.fn(x, kwargs=kwargs)"}),
    ("list-in-calculation", {SUM: "x + [self.fn(x)]"}),
    ("joined-sizes", {SUM: "torch.cat([x, x[:, :1, :1]])"}),
    ("called-itself", {SUM: "x + self(x)"}),
    ("name-not-known", {SUM: "residual + self.fn(x)"}),
    ("object-lacks", {SUM: "x + self.add(x)"}),
    ("import-math", {SUM: "math.add(x, self.fn(x))"}),
    ("in-a-list", {SUM: "[x, self.fn(x, **kwargs)]"}),
    ("in-a-list", {SUM: "x, self.fn(x, **kwargs)"}),
    (
        "no-forward",
        "class ResidualAdd(nn.Module):\n    def __init__(self, fn):\n        super().__init__()\n        self.fn = fn\n",
    ),
    (None, {SUM: "x + torch.tanh(self.fn(x, **kwargs))"}),
    (None, {SUM: "x + 0.1 * self.fn(x, **kwargs)"}),
    (None, {SUM: "x @ self.fn(x, **kwargs)"}),
    (None, {SUM: "x + nn.functional.dropout(self.fn(x, **kwargs), 0.5)"}),
    (None, {SUM: "x + y"}),  # NameError
    (None, {SUM: "None"}),
    (None, {SUM: "(x + self.fn(x, **kwargs)).numpy()"}),
    (None, {SUM: "(x + self.fn(x, **kwargs)).to('meta')"}),
    (None, {SUM: "(x + self.fn(x, **kwargs)) / 0"}),
    (None, {SUM: "(x + self.fn(x, **kwargs)).int()"}),
    (None, {RETURN: "        pass", SUM: SUM}),
    (None, "ResidualAdd = nn.Identity()\n"),
    (None, "def ResidualAdd(x, fn):\n    return x\n"),
]

RIGHT = [
    {SUM: "self.fn(x, **kwargs) + x"},
    {SUM: "torch.add(x, self.fn(x, **kwargs))"},
    {SUM: "torch.add(self.fn(x, **kwargs), x)"},
    {SUM: "x.add(self.fn(x, **kwargs))"},
    {SUM: "torch.stack([x, self.fn(x, **kwargs)]).sum(dim=0)"},
    {SUM: "sum((x, self.fn(x, **kwargs)))"},
    {SUM: "x - (-self.fn(x, **kwargs))"},
    {SUM: "x.clone() + self.fn(x, **kwargs)"},
    {SUM: "x.double() + self.fn(x, **kwargs).double()"},
    {SUM: "x + self.fn.forward(x, **kwargs)"},
    {SUM: "(x.transpose(0, 1) + self.fn(x, **kwargs).transpose(0, 1)).transpose(0, 1)"},
    {SUM: "2 * (x + self.fn(x, **kwargs)).div(2)"},
    body("out = x.clone()", "out += self.fn(x, **kwargs)"),
    body("residual = x", "x = self.fn(x, **kwargs)", "out = x + residual"),
    body("y = self.fn(x, **kwargs)", "print(x.shape, y.shape)", "out = x + y"),
    {LINE: "        return x + self.fn(x, **kwargs)"},
    """\
import warnings

def plus(a, b):
    warnings.warn("a warning costs nothing")
    return a + b

class ResidualAdd(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn
        self.extra = 3

    def forward(self, x, **kwargs):
        return plus(self.fn(x, **kwargs), x)
""",
    """\
class ResidualAdd(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, tokens, *args, **options):
        return tokens + self.block(tokens, *args, **options)
""",
]
