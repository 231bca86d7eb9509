"""Q4: positions, one row a token, added to the tokens (Dosovitskiy et al. 2021, equation 1)."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values, values_by
from helpers.observers.q4_positional_embedding import TABLE, observer
from helpers.vit.pieces.q1_position_encoding import getPositionEncoding


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = [(12, 3, 14, 2), (20, 4, 10, 3)]
    sizes.append((7 * int(rng.integers(2, 5)), 7, 6 + 2 * int(rng.integers(8, 12)), 4))
    made = []
    for img_size, patch_size, emb_size, batch in sizes:
        patches = len(range(0, img_size, patch_size)) ** 2
        arguments = {"patch_size": patch_size, "emb_size": emb_size, "img_size": img_size}
        tensors = {
            "x": tensor(rng, batch, patches, emb_size),
            "cls": tensor(rng, 1, 1, emb_size),
            "fixed": tensor(rng, patches + 1, emb_size),
            "learned": tensor(rng, patches + 1, emb_size),
        }
        told = ", ".join(f"{name}={size}" for name, size in arguments.items())
        made.append({**arguments, **tensors, "label": f"PositionalEmbedding({told})"})
    return made


def tokens(case: Case) -> torch.Tensor:
    """The tokens before any position: class token first, (b, patches + 1, emb_size)."""
    return torch.cat([case["cls"].repeat(len(case["x"]), 1, 1), case["x"]], dim=1)


def expected(case: Case) -> Arrays:
    side = case["img_size"] / case["patch_size"]
    return {TABLE: getPositionEncoding(round(side * side) + 1, case["emb_size"]), **outputs(torch.add)(case)}


def outputs(combine):
    """Values of both outputs for `combine(tokens, positions)`."""
    return with_tables(lambda x, p, fixed, learned: combine(x, p))


def with_tables(combine):
    """Values of both outputs for `combine(tokens, positions, fixed, learned)`: what was chosen, and both tables."""

    def produces(case: Case) -> Arrays:
        x, fixed, learned = tokens(case), case["fixed"], case["learned"]
        made = {"output": fixed, "output with learnable=True": learned}
        return {key: to_array(combine(x, p, fixed, learned), key) for key, p in made.items()}

    return produces


def table(arguments):
    """Values for wrong arguments: both from patches a side, patch_size, emb_size and img_size."""

    def produces(case: Case) -> Arrays:
        p, e, s = case["patch_size"], case["emb_size"], case["img_size"]
        return {TABLE: getPositionEncoding(*arguments(s // p, p, e, s))}

    return produces


def rows(count):
    return table(lambda side, p, e, s: (count(side, p, e, s), e))


def columns(count):
    return table(lambda side, p, e, s: (side * side + 1, count(side, p, e, s)))


def outside(case: Case) -> Arrays:
    """Values for the 1 added to the encoding instead of to the number of rows."""
    return {TABLE: getPositionEncoding(len(case["x"][0]), case["emb_size"]) + 1}


def other_values(observed: Arrays, wanted: Arrays, case: Case) -> bool:
    """The shape is right and so is row 0, but the waves have other speeds."""
    seen, right = observed.get(TABLE), wanted[TABLE]
    return (
        seen is not None
        and seen.shape == right.shape
        and np.allclose(seen[0], right[0])
        and not np.allclose(seen, right, atol=1e-4)
    )


def only(part: slice):
    """A combination in which only some of the tokens get their position."""

    def combine(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        mask = torch.zeros(len(positions), 1)
        mask[part] = 1
        return torch.addcmul(x, positions.expand_as(x), mask)

    return combine


def moved(change):
    """A combination in which the rows of the positions are changed before they are added."""
    return lambda x, positions: torch.add(x, change(positions))


misconceptions = (
    # the first blank: rows
    *values_by(rows, {
        "no-class-token: there is one row for each patch but none for the class token: it is a token too, so one row more.":
            lambda side, p, e, s: side * side,
        "two-more: two rows are added to the patches: there is only one class token.":
            lambda side, p, e, s: side * side + 2,
        "not-squared: only the patches along one side are counted: an image has two sides, so square that number.":
            lambda side, p, e, s: side + 1,
        "one-side-alone: only the patches along one side are counted, and no class token: square the number, then add one.":
            lambda side, p, e, s: side,
        "doubled: the patches along one side are doubled instead of squared: `**` is the power.":
            lambda side, p, e, s: 2 * side + 1,
        "one-before-square: the one for the class token is added before squaring: square the patches a side first.":
            lambda side, p, e, s: (side + 1) * (side + 1),
        "pixels: every pixel is counted instead of every patch: divide by patch_size.":
            lambda side, p, e, s: s * s + 1,
        "pixels-of-a-patch: the pixels inside one patch are counted instead of the patches of the image.":
            lambda side, p, e, s: p * p + 1,
        "precedence: `**` binds tighter than `//`, so patch_size alone is squared: put parentheses around the division.":
            lambda side, p, e, s: s // (p * p) + 1,
        "caret-rows: `^` is used for a power: in Python that is `**`.": lambda side, p, e, s: side ^ 3,
        "caret-rows-in-brackets: `^` is used for a power: in Python that is `**`.": lambda side, p, e, s: (side ^ 2) + 1,
        "side-minus-patch: patch_size is subtracted from img_size: divide, to see how many patches fit.":
            lambda side, p, e, s: (s - p) * (s - p) + 1,
        "squared-too-early: img_size alone is squared: put parentheses around the division, then square.":
            lambda side, p, e, s: s * s // p + 1,
        "product-of-sizes: img_size is multiplied by patch_size: divide, to see how many patches fit.":
            lambda side, p, e, s: (s * p) * (s * p) + 1,
        "image-side: the rows are counted by img_size alone: the sequence holds patches, and they are counted with patch_size.":
            lambda side, p, e, s: s,
        "image-side-one: the rows are counted by img_size alone: the sequence holds patches, and they are counted with patch_size.":
            lambda side, p, e, s: s + 1,
    }),
    *values_by(lambda n: rows(lambda *sizes: n), {
        f"rows-{n}: the number of rows is written out as {n}: it must follow from img_size and patch_size.": n
        for n in (64, 65, 196, 197)
    }),
    # the first blank: columns, or both
    *values_by(table, {
        "swapped: the two arguments are swapped: first the number of positions, then the width of a token.":
            lambda side, p, e, s: (e, side * side + 1),
        "half-width: the width is emb_size // 2: pairs of sine and cosine are counted inside the function, d is the whole width.":
            lambda side, p, e, s: (side * side + 1, e // 2),
        "width-plus-one: the one for the class token is added to the width: it is one more row, not one more dimension.":
            lambda side, p, e, s: (side * side, e + 1),
    }),
    *values_by(columns, {
        "both-plus-one: one is added to the width as well: the class token is one more row, of the same width emb_size.":
            lambda side, p, e, s: e + 1,
        "channels: the width is 3, the image's channels: a token is emb_size wide.": lambda side, p, e, s: 3,
        "patch-width: the width is the 3 * patch_size**2 numbers of a raw patch: after the projection a token is emb_size wide.":
            lambda side, p, e, s: 3 * p * p,
        "patch-size-width: the width is patch_size: a token is emb_size wide.": lambda side, p, e, s: p,
        "image-width: the width is img_size: a token is emb_size wide.": lambda side, p, e, s: s,
        "square-table: the number of positions is given twice: the second argument is the width of a token.":
            lambda side, p, e, s: side * side + 1,
    }),
    *values_by(lambda n: columns(lambda *sizes: n), {
        f"width-{n}: the width is written out as {n}: it must be the argument emb_size.": n
        for n in (64, 192, 512, 768)
    }),
    *values({
        "one-outside: the 1 is added to the encoding itself: it belongs to the number of rows.": outside,
    }),
    *properties({
        "sizes-written-out: both numbers are written out, from an example or from ViT: they must follow from img_size, patch_size and emb_size.":
            lambda seen, wanted, case: TABLE in seen and seen[TABLE].shape in ((8, 5), (64, 192), (65, 192), (196, 768), (197, 768)),
        "other-waves: the waves have other speeds: getPositionEncoding takes two arguments here, and n keeps its default.": other_values,
    }),
    *errors({
        "float-rows: the number of rows is not a whole number: `/` always gives a float, `//` an int.": "'float' object cannot be interpreted as an integer",
        "one-argument: one thing stands on the right, and two are wanted: the number of positions, a comma, the width of a token.": "cannot unpack non-iterable int",
        "caret: `^` is used for a power: in Python that is `**`.": r"unsupported operand type\(s\) for \^|bitwise_xor",
        "self-missing-sizes: the sizes are looked for on self: they are plain arguments of __init__ here.": r"AttributeError: .*no attribute '(self\.)?(img_size|patch_size|emb_size|num_patches|n_patches)'",
        "other-constructor: the constructor takes other arguments: keep patch_size, emb_size, img_size and learnable.": r"__init__\(\) (got an unexpected keyword|missing \d+ required)",
    }),
    # the second blank
    *values_by(outputs, {
        "nothing-added: no positions are added: the tokens come out as they went in.": lambda x, p: x,
        "positions-alone: the positions stand alone: they are added to the tokens in x, not put in their place.":
            lambda x, p: p,
        "positions-alone-batch: the positions stand alone: they are added to the tokens in x, not put in their place.":
            lambda x, p: p.expand_as(x),
        "class-token-for-all: the class token is added to all positions: the tokens are in x.": lambda x, p: torch.add(p, x[:, :1]),
        "multiplied: tokens and positions are multiplied: add them.": torch.mul,
        "subtracted: the positions are subtracted: add them.": torch.sub,
        "subtracted-reverse: the tokens are subtracted from the positions: add them.":
            lambda x, p: torch.sub(p, x),
        "concatenated: the positions are concatenated to the tokens, which makes them twice as wide: add them.":
            lambda x, p: torch.cat([x, p.expand_as(x)], dim=-1),
        "appended: the positions are appended as more tokens: add each one to the token in its place.":
            lambda x, p: torch.cat([x, p.expand_as(x)], dim=1),
        "patches-only: only the patches get their positions: row 0 belongs to the class token.":
            only(slice(1, None)),
        "patches-shifted: the patches get the rows from 0 on and the class token gets none: row 0 is the class token's, patch 0 has row 1.":
            lambda x, p: only(slice(1, None))(x, p.roll(1, 0)),
        "class-token-only: only the class token gets a position: every token needs its own row.":
            only(slice(0, 1)),
        "class-token-lost: the class token is cut off: all tokens go on, the class token first.":
            lambda x, p: torch.add(x, p)[:, 1:],
        "first-row-for-all: row 0 is added to every token: then all positions are the same, and say nothing.":
            moved(lambda p: p[0]),
        "row-sum: the positions are summed up first: every token gets its own row.":
            moved(lambda p: p.sum(0)),
        "row-mean: the positions are averaged first: every token gets its own row.":
            moved(lambda p: p.mean(0)),
        "backwards: the rows are added in reverse order: row 0 is for token 0.": moved(lambda p: p.flip(0)),
        "twice: the positions are added twice.": moved(lambda p: 2 * p),
        "halved: the mean of tokens and positions is taken: plain addition is enough.":
            lambda x, p: torch.lerp(x, p.expand_as(x), 0.5),
        "tokens-scaled: the tokens are multiplied by sqrt(emb_size) first: the 2017 Transformer does that, ViT does not.":
            lambda x, p: torch.add(p, x, alpha=x.shape[-1] ** 0.5),
        "normalised: the sum is layer-normed: that comes later, inside the encoder block.":
            lambda x, p: torch.nn.functional.layer_norm(torch.add(x, p), x.shape[-1:]),
    }),
    *values_by(with_tables, {
        "always-sinusoids: the sinusoids are added whatever `learnable` says: use `positions`, which the line above has chosen.":
            lambda x, p, fixed, learned: torch.add(x, fixed),
        "always-learnable: the learned positions are added whatever `learnable` says: use `positions`, which the line above has chosen.":
            lambda x, p, fixed, learned: torch.add(x, learned),
        "both-kinds: both kinds of positions are added: `positions` holds the one that is asked for.":
            lambda x, p, fixed, learned: torch.add(x, fixed.add(learned)),
        "both-kinds-one-twice: more than one kind of positions is added: `positions` holds the one that is asked for.":
            lambda x, p, fixed, learned: torch.add(x, fixed.add(p)),
        "both-kinds-learned-twice: more than one kind of positions is added: `positions` holds the one that is asked for.":
            lambda x, p, fixed, learned: torch.add(x, learned.add(p)),
    }),
    *errors({
        "cat-2d-3d: the two are concatenated: add them. (Tokens have three axes and positions two, which addition does not mind.)": "Tensors must have same number of dimensions",
        "shapes-do-not-fit: tokens and positions have shapes that do not fit: (b, tokens, emb_size) and (tokens, emb_size) do, as they are.": r"must match the (existing )?size|not match|mat1 and mat2|Expected size for|Sizes of tensors must match",
        "called: the tensor of positions is called like a function: it is a table of numbers, add it.": r"'(Tensor|Parameter)' object is not callable",
        "in-a-list: tokens and positions are put in a list or tuple: add them.": r"Unfit: What forward gives.* should be an array or a tensor",
        "self-positions: `positions` is looked for on self: here it is a plain local name.": r"AttributeError: .*no attribute 'positions'",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    return f"{'self.' if key == TABLE else ''}{key}{list(index)}"


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == TABLE:
        k, column = index
        return f"{'cos' if column % 2 else 'sin'}({k} / 10000^({column - column % 2}/{case['emb_size']}))"
    positions = case["learned" if "learnable" in key else "fixed"]
    token, position = float(tokens(case)[index]), float(positions[index[1:]])
    return f"{token:.4f} (token) + {position:.4f} (position)"


def given(case: Case) -> dict:
    return {"seq_len, d =": expected(case)[TABLE].shape}


parts = (
    Part("arguments of getPositionEncoding", 1, (TABLE,), blank="seq_len, d ="),
    Part("positions added to the tokens", 1, ("output", "output with learnable=True"), blank="x ="),
)
hints = (
    "Blank 1: getPositionEncoding gives one row a position and one column a dimension. "
    "self.learnable_positions, two lines above, is a table for the very same tokens: what is its shape?",
    "Blank 1: for img_size 32 and patch_size 4 there are 8 patches a side, 64 patches, 65 tokens. "
    "Blank 2: the tokens are (b, 65, emb_size), the positions (65, emb_size); torch lines up the last axes by itself.",
    "Blank 1: the patches a side, squared, and one more for the class token; then emb_size, separated by a comma. "
    "Blank 2: the sum of the tokens and `positions`, nothing else.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, formula, given=given)
