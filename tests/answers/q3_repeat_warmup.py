COLOUR = "(30, 40, 3)"
TWICE = "(60, 40)"
TILES = "(60, 120)"
BLOCKS = "(60, 80)"
PIXELATE = "(30, 40),"

WRONG = [
    ("not-repeated-1", {COLOUR: "(30, 40)"}),
    ("new-axis-first-1", {COLOUR: "(3, 30, 40)"}),
    ("swapped-1", {COLOUR: "(40, 30, 3)"}),
    (None, {COLOUR: "(90, 120)"}),
    ("no-shape", {COLOUR: "'30, 40, 3'"}),
    ("no-shape", {COLOUR: "None"}),
    ("no-shape", {COLOUR: "np.zeros((30, 40, 3))"}),
    ("not-repeated-2", {TWICE: "(30, 40)"}),
    ("added-2", {TWICE: "(32, 40)"}),
    ("apart-2", {TWICE: "(2, 30, 40)"}),
    ("first-letter-2", {TWICE: "(2, 40)"}),
    ("swapped-2", {TWICE: "(40, 60)"}),
    ("other-axis-2", {TWICE: "(30, 80)"}),
    ("both-axes-2", {TWICE: "(60, 80)"}),
    ("not-repeated-3", {TILES: "(30, 40)"}),
    ("added-3", {TILES: "(32, 43)"}),
    ("apart-3", {TILES: "[2, 30, 3, 40]"}),
    ("swapped-3", {TILES: "(120, 60)"}),
    ("i-for-j-3", {TILES: "(90, 80)"}),
    ("i-for-both-3", {TILES: "(60, 80)"}),
    ("one-axis-3", {TILES: "(60, 40)"}),
    ("not-repeated-4", {BLOCKS: "(30, 40)"}),
    ("added-4", {BLOCKS: "(32, 42)"}),
    ("apart-4", {BLOCKS: "(30, 2, 40, 2)"}),
    ("swapped-4", {BLOCKS: "(80, 60)"}),
    ("halved-4", {BLOCKS: "(15, 20)"}),
    ("one-axis-4", {BLOCKS: "(60, 40)"}),
    (None, {BLOCKS: "(60, 80, 3)"}),
    (None, {BLOCKS: "60 * 80"}),
    ("left-small-5", {PIXELATE: "(15, 20),"}),
    ("only-repeated-5", {PIXELATE: "(60, 80),"}),
    ("apart-5", {PIXELATE: "(15, 2, 20, 2),"}),
    ("swapped-5", {PIXELATE: "(40, 30),"}),
    (None, {PIXELATE: "(30, 20),"}),
    (None, "repeat_shapes = [(30, 40, 3), (60, 40)]"),
    (None, "repeat_shapes = {'pixelate': (30, 40)}"),
    (None, "repeat_shapes = None"),
]

RIGHT = [
    {COLOUR: "[30, 40, 3]", TWICE: "[60, 40]"},
    {COLOUR: "torch.Size([30, 40, 3])"},
    {TWICE: "(30 * 2, 40)", TILES: "(30 * 2, 40 * 3)"},
    {BLOCKS: "np.array([60, 80])"},
    {PIXELATE: "image.shape,", TILES: "torch.tensor([60, 120])"},
]
