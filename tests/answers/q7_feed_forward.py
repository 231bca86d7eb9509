FIRST = "nn.Linear(emb_size, expansion * emb_size)"
SECOND = "nn.Linear(expansion * emb_size, emb_size)"
GELU = "nn.GELU(),"
CLASS = "class FeedForwardBlock(nn.Sequential):"

WRONG = [
    ("first-shrinks", {FIRST: "nn.Linear(emb_size, emb_size // expansion)"}),
    ("first-not-expanded", {FIRST: "nn.Linear(emb_size, emb_size)"}),
    ("first-added", {FIRST: "nn.Linear(emb_size, emb_size + expansion)"}),
    ("first-expansion-alone", {FIRST: "nn.Linear(emb_size, expansion)"}),
    ("first-factor-4", {FIRST: "nn.Linear(emb_size, 4 * emb_size)"}),
    ("first-power", {FIRST: "nn.Linear(emb_size, emb_size ** expansion)"}),
    ("first-squared", {FIRST: "nn.Linear(emb_size, expansion * emb_size * emb_size)"}),
    ("first-fixed-768", {FIRST: "nn.Linear(emb_size, 768)"}),
    ("first-fixed-192", {FIRST: "nn.Linear(192, 768)"}),
    ("first-swapped", {FIRST: "nn.Linear(expansion * emb_size, emb_size)"}),
    ("first-input-hidden", {FIRST: "nn.Linear(expansion * emb_size, expansion * emb_size)"}),
    ("size-not-whole", {FIRST: "nn.Linear(emb_size, emb_size / expansion)"}),
    ("size-not-whole", {FIRST: "nn.Linear(emb_size, expansion * emb_size / 1)"}),
    ("size-missing", {FIRST: "nn.Linear(expansion * emb_size)"}),
    ("name-not-known", {FIRST: "nn.Linear(emb_size, hidden)"}),
    ("first-written-out", {FIRST: "nn.Linear(192, expansion * emb_size)"}),
    ("first-written-out", {FIRST: "nn.Linear(8, 5)"}),
    ("other-for-size", {FIRST: "nn.Linear(emb_size, '768')"}),
    ("first-caret", {FIRST: "nn.Linear(emb_size, emb_size ^ expansion)"}),
    ("list-for-modules", {FIRST: "[nn.Linear(emb_size, expansion * emb_size)]"}),
    ("object-lacks", {FIRST: "nn.Linear(self.emb_size, expansion * emb_size)"}),
    ("module-lacks", {FIRST: "nn.linear(emb_size, expansion * emb_size)"}),
    ("function-without-module", {FIRST: "Linear(emb_size, expansion * emb_size)"}),
    (None, {FIRST: "nn.Linear(emb_size, 7 * emb_size)"}),
    (None, {FIRST: "nn.Identity()"}),
    ("second-shrinks", {SECOND: "nn.Linear(emb_size // expansion, emb_size)"}),
    ("second-not-expanded", {SECOND: "nn.Linear(emb_size, emb_size)"}),
    ("second-added", {SECOND: "nn.Linear(emb_size + expansion, emb_size)"}),
    ("second-expansion-alone", {SECOND: "nn.Linear(expansion, emb_size)"}),
    ("second-factor-4", {SECOND: "nn.Linear(4 * emb_size, emb_size)"}),
    ("second-fixed-192", {SECOND: "nn.Linear(768, 192)"}),
    ("second-swapped", {SECOND: "nn.Linear(emb_size, expansion * emb_size)"}),
    ("second-output-hidden", {SECOND: "nn.Linear(expansion * emb_size, expansion * emb_size)"}),
    ("second-expands-again", {SECOND: "nn.Linear(expansion * emb_size, expansion * expansion * emb_size)"}),
    ("size-not-whole", {SECOND: "nn.Linear(expansion * emb_size, emb_size * 1.0)"}),
    ("size-missing", {SECOND: "nn.Linear(emb_size)"}),
    ("second-written-out", {SECOND: "nn.Linear(expansion * emb_size, 192)"}),
    ("second-written-out", {SECOND: "nn.Linear(8, 5)"}),
    ("second-output-expansion", {SECOND: "nn.Linear(expansion * emb_size, expansion)"}),
    ("gelu-at-the-end", {SECOND: f"{SECOND}, nn.GELU()"}),
    ("gelu-at-the-end", {SECOND: f"{SECOND}, nn.Dropout(dropout), nn.GELU()"}),
    ("relu-at-the-end", {SECOND: f"{SECOND}, nn.ReLU()"}),
    (None, {SECOND: "nn.Linear(expansion * emb_size, 1)"}),
    (None, {SECOND: "nn.Linear(expansion * emb_size, emb_size), nn.Linear(emb_size, emb_size)"}),
    # both at once
    ("first-shrinks", {FIRST: "nn.Linear(emb_size, emb_size // expansion)", SECOND: "nn.Linear(emb_size // expansion, emb_size)"}),
    ("second-factor-4", {FIRST: "nn.Linear(emb_size, 4 * emb_size)", SECOND: "nn.Linear(4 * emb_size, emb_size)"}),
    ("first-not-expanded", {FIRST: "nn.Linear(emb_size, emb_size)", SECOND: "nn.Linear(emb_size, emb_size)"}),
    # given lines changed
    ("relu", {GELU: "nn.ReLU(),"}),
    ("no-activation", {GELU: "nn.Identity(),"}),
    ("two-activations", {GELU: "nn.GELU(), nn.GELU(),"}),
    (None, {GELU: "nn.Sigmoid(),"}),
    ("class-for-module", {GELU: "nn.GELU,"}),
    (None, {"expansion=4": "factor=4", FIRST: "nn.Linear(emb_size, factor * emb_size)", SECOND: "nn.Linear(factor * emb_size, emb_size)"}),
    (None, "def FeedForwardBlock(emb_size, expansion=4, dropout=0.0):\n    return nn.Identity()\n"),
    (None, "FeedForwardBlock = 'a block'\n"),
]  # fmt: skip

RIGHT = [
    {FIRST: "nn.Linear(emb_size, emb_size * expansion)"},
    {FIRST: "nn.Linear(in_features=emb_size, out_features=expansion * emb_size)"},
    {FIRST: "nn.Linear(emb_size, int(expansion * emb_size))"},
    {FIRST: "nn.LazyLinear(expansion * emb_size)"},
    {SECOND: "nn.Linear(emb_size * expansion, emb_size)"},
    {SECOND: "nn.Linear(out_features=emb_size, in_features=expansion * emb_size)"},
    {SECOND: "nn.Linear(sum([emb_size] * expansion), emb_size)"},
    {SECOND: "nn.LazyLinear(emb_size)"},
    {GELU: "nn.GELU(approximate='tanh'),"},
    """\
from torchvision.ops import MLP

class FeedForwardBlock(MLP):
    def __init__(self, emb_size, expansion=4, dropout=0.0):
        super().__init__(emb_size, [emb_size * expansion, emb_size], activation_layer=nn.GELU, dropout=dropout)
""",
    """\
class FeedForwardBlock(nn.Module):
    def __init__(self, emb_size, expansion=4, dropout=0.0):
        super().__init__()
        hidden = emb_size * expansion
        print("hidden size", hidden)
        self.up, self.down = nn.Linear(emb_size, hidden), nn.Linear(hidden, emb_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.down(self.dropout(F.gelu(self.up(x))))
""",
]
