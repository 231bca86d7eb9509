"""The block of VGG: convolution, batch norm if asked for, ReLU (Simonyan and Zisserman 2015, Ioffe and Szegedy 2015)."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import A_CLASS, errors, properties, values, values_by, values_of
from helpers.observers.conv_block import (
    COUNT,
    EVAL,
    INTO,
    MOMENTUM,
    PLAIN,
    PLAIN_COUNT,
    TRAIN,
    observer,
    value,
)

EPS, SHARE = 1e-5, 0.1  # torch's defaults


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "x": tensor(rng, b, c_in, h, w),
            "sizes": (c_in, c_out),
            "seed": seed,
            "label": f"conv_block({c_in}, {c_out}, ...)",
        }
        for b, c_in, c_out, h, w in ((2, 3, 5, 6, 8), (4, 7, 2, 5, 9))
    ]


def convolved(case: Case, window: int = 3, padding: int = 1, **options) -> torch.Tensor:
    """The convolution of the case; options as F.conv2d has them, `window` is the side of its window."""
    c_in, c_out = case["sizes"]
    weight = value("conv", "weight", (c_out, c_in, window, window), case["seed"])
    bias = value("conv", "bias", (c_out,), case["seed"])
    return F.conv2d(case["x"], weight, bias, padding=padding, **options)


def normed(x: torch.Tensor, case: Case, training: bool, affine: bool = True) -> torch.Tensor:
    """Batch norm with the numbers that `prepare` puts into it; without scale and shift if not `affine`."""
    names = ("running_mean", "running_var", "scale", "bias")[: 4 if affine else 2]
    numbers = [value("norm", name, (x.shape[1],), case["seed"]) for name in names]
    return F.batch_norm(x, *numbers, training=training, eps=EPS)


def outputs(before) -> Arrays:
    """ReLU of `before(training)` in both modes."""
    return {key: to_array(F.relu(before(mode)), key) for key, mode in ((TRAIN, True), (EVAL, False))}


def expected(case: Case) -> Arrays:
    c_in, c_out = case["sizes"]
    conv = convolved(case)
    count = float(c_out * c_in * 3 * 3 + c_out)
    return {
        PLAIN_COUNT: np.array(count),
        PLAIN: to_array(F.relu(conv), PLAIN),
        COUNT: np.array(count + 2 * c_out),
        **outputs(lambda training: normed(conv, case, training)),
    }


def norm_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right, or right for what the student's own convolution gives."""
    same = exercise.same
    if seen.get(MOMENTUM, SHARE) != SHARE:
        return False
    if same(seen, wanted, TRAIN, EVAL):
        return same(seen, wanted, COUNT) or not same(seen, wanted, PLAIN_COUNT)
    into = seen.get(INTO)
    if (
        same(seen, wanted, PLAIN, PLAIN_COUNT)
        or into is None
        or into.ndim != 4
        or into.shape[1] != case["sizes"][1]
    ):
        return False
    # the norm's input in evaluation, the last that was kept: it is the same in both modes
    own = outputs(lambda training: normed(torch.from_numpy(into).float(), case, training))
    return same(seen, own, TRAIN, EVAL)


def lacks(seen: Arrays, wanted: Arrays, key: str) -> float:
    """How many parameters are missing."""
    return float(wanted[key] - seen.get(key, wanted[key]))


def convolution(options):
    """The block without norm, the convolution having these options."""
    return lambda case: {PLAIN: to_array(F.relu(convolved(case, **options)), PLAIN)}


def before_relu(norm):
    """`norm(conv, case, training)` stands before the ReLU, the convolution being right."""
    return lambda case: outputs(lambda training: norm(convolved(case), case, training))


def affine(norm):
    """`norm(conv)`, with scale and shift, one a channel."""

    def values(conv, case, training):
        n = (conv.shape[1],)
        scale, bias = (value("norm", name, n, case["seed"]) for name in ("scale", "bias"))
        return norm(conv) * scale.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)

    return values


misconceptions = (
    *values_by(convolution, {
        "no-padding: the convolution has no padding: a 3 x 3 window then loses one pixel on every side. Height and width should stay. (A fourth number without a name is the stride, not the padding.)":
            dict(padding=0),
        "padding-2: the padding is 2: a 3 x 3 window needs one pixel on every side, or the maps grow.":
            dict(padding=2),
        "window-1: the window is 1 x 1: it should be 3 x 3.": dict(window=1, padding=0),
        "window-1-padded: the window is 1 x 1: it should be 3 x 3.": dict(window=1),
        "window-7: the window is 7 x 7: it should be 3 x 3.": dict(window=7, padding=3),
        "window-2: the window is 2 x 2: it should be 3 x 3, with a pixel in the middle.": dict(window=2, padding=1),
        "window-2-shrinks: the window is 2 x 2: it should be 3 x 3, with a pixel in the middle.": dict(window=2, padding=0),
        "window-5: the window is 5 x 5: it should be 3 x 3.": dict(window=5, padding=2),
        "window-5-shrinks: the window is 5 x 5: it should be 3 x 3.": dict(window=5),
        "stride-2: the convolution makes steps of 2 pixels, which halves height and width: leave the stride at 1, the pooling halves.":
            dict(stride=2),
        "dilated: the window is spread out (dilation): leave that at 1.": dict(padding=2, dilation=2),
    }),
    *properties({
        "no-bias: the convolution has no bias. With batch norm it could do without, but VGG keeps it: leave the default.":
            lambda seen, wanted, case: case["sizes"][1] == (lacks(seen, wanted, PLAIN_COUNT) or lacks(seen, wanted, COUNT)),
        "out-written-out: the number of channels that come out is written out: use out_channels.":
            lambda seen, wanted, case: PLAIN in seen and seen[PLAIN].ndim == 4 and seen[PLAIN].shape[1] in (3, 10, 16, 32, 64, 128),
        "out-as-in: as many channels come out as come in: out_channels of them are asked.":
            lambda seen, wanted, case: PLAIN in seen and seen[PLAIN].ndim == 4 and seen[PLAIN].shape[1] == case["sizes"][0],
        "pooled: the block makes height and width half as large: pooling is no part of it.":
            lambda seen, wanted, case: PLAIN in seen and lacks(seen, wanted, PLAIN_COUNT) == 0
            and seen[PLAIN].shape[2:] == tuple(n // 2 for n in wanted[PLAIN].shape[2:]),
        "two-convolutions: there is more than one convolution in the block: one block, one convolution.":
            lambda seen, wanted, case: -lacks(seen, wanted, PLAIN_COUNT) == case["sizes"][1] * (9 * case["sizes"][1] + 1),
    }),
    *values_of(PLAIN, ("x",), {
        "relu-only: there is no convolution in the block at all.": F.relu,
    }),
    *values_by(before_relu, {
        "no-norm: no norm is in the block, though `batch_norm` is True. (`append` changes the list itself, and gives nothing back.)": lambda conv, case, training: conv,
        "norm-without-scale: the norm has no learned scale and shift (affine=False): leave the default.":
            lambda conv, case, training: normed(conv, case, training, affine=False),
        "no-running-statistics: the norm keeps no running mean (track_running_stats=False), so in evaluation a picture's answer depends on the others in its batch.":
            lambda conv, case, training: normed(conv, case, True),
        "instance-norm: every picture is normed by itself (instance norm): batch norm takes mean and deviation over the batch.":
            lambda conv, case, training: F.instance_norm(conv, eps=EPS),
        "instance-norm-affine: every picture is normed by itself (instance norm): batch norm takes mean and deviation over the batch.":
            affine(lambda conv: F.instance_norm(conv, eps=EPS)),
        "group-norm: all channels of a picture are normed together (a group norm with one group): batch norm takes each channel by itself, over the batch.":
            affine(lambda conv: F.group_norm(conv, 1, eps=EPS)),
        "normed-twice: the block norms twice: once is enough.":
            lambda conv, case, training: normed(normed(conv, case, training), case, training),
        "relu-before-norm: a ReLU stands before the norm: the norm comes first, so that it sees negative numbers too.":
            lambda conv, case, training: normed(F.relu(conv), case, training),
    }),
    *values({
        "norm-before-conv: the norm stands before the convolution: it should come after it, so append it at the end of the list.":
            lambda case: outputs(lambda training: convolved({**case, "x": normed(case["x"], case, training)})),
    }),
    *properties({
        "momentum: the norm has a momentum of its own. In PyTorch that is the share of the new batch, 0.1; in Keras, that of the old ones, 0.9. Leave the default.":
            lambda seen, wanted, case: seen.get(MOMENTUM, SHARE) != SHARE,
        "dropout-instead: there is a dropout in the place of the norm (or beside it): it is another thing, and draws at random.":
            lambda seen, wanted, case: (
                TRAIN in seen
                and seen[TRAIN].shape == seen[EVAL].shape == wanted[EVAL].shape
                and bool(((seen[TRAIN] == 0) & (seen[EVAL] != 0)).any())
                and np.allclose(seen[EVAL], wanted[PLAIN], atol=1e-4)
            ),
    }),
    *errors({
        "channels-swapped: in_channels and out_channels have changed places: a convolution takes first what comes in, then what goes out.": r"RuntimeError: Given groups=1, weight of size \[(3, 5|7, 2), .*expected input\[\d+, \d+, \d+, \d+\] to have",
        "colours-fixed: the number of channels that come in is fixed: use in_channels, only the first block gets the three colours.": r"RuntimeError: Given groups=1, weight of size .* to have \d+ channels, but got",
        "norm-of-in-channels: the norm is told another number of channels than the convolution gives: it comes after it and gets out_channels.": r"running_mean should contain|weight to be a vector of size|Expected weight .* same",
        "norm-1d: the norm is for vectors (BatchNorm1d): pictures have height and width too, which is BatchNorm2d.": r"expected 2D or 3D input",
        "norm-3d: the norm is for videos (BatchNorm3d): pictures have height and width, which is BatchNorm2d.": r"expected 5D input",
        "layer-norm: it is a layer norm, which norms over the last dimension (here the width), or is told other sizes: for convolutions of VGG it is BatchNorm2d.": r"Given normalized_shape",
        "conv-1d: the convolution is for sequences (Conv1d): pictures have height and width, which is Conv2d.": r"conv1d",
        "linear: a Linear layer stands where the convolution should: it mixes the last dimension, which is the width.": r"mat1 and mat2 shapes",
        "no-window-size: the convolution is not told the size of its window: it wants the two channels and kernel_size.": r"__init__\(\) missing 1 required positional argument: 'kernel_size'",
        "norm-not-told: the norm is not told its number of channels.": r"missing 1 required positional argument: 'num_features'",
        "class-not-made: the class stands in the list, not a layer made of it: call it, with brackets.": A_CLASS,
        "function-called: a function of torch.nn.functional stands where a layer is made: it works on tensors at once. The layers are in torch.nn, with a capital letter.": r"conv2d\(\) received|batch_norm\(\)",
        "several-appended: `append` takes one layer.": r"append\(\) takes exactly one",
        "switch-for-layer: `batch_norm` is the answer to a question, True or False: what is appended is a layer of torch.nn.": "bool is not a Module|'bool' object is not callable",
        "not-a-list: `layers` is no list: keep the square brackets around the convolution.": r"has no attribute 'append'",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    return f"the {key}{list(index) if index else ''}".replace("the parameters", "the number of parameters")


def given(case: Case) -> dict:
    return {"layers = [": [*case["sizes"], 3, 1, 1]}


parts = (
    Part("convolution", 1, (PLAIN, PLAIN_COUNT), blank="layers = ["),
    Part("batch norm", 1, (TRAIN, EVAL, COUNT), agrees=norm_agrees, blank="layers.append("),
)
hints = (
    "Two layers of torch.nn, both for pictures: their names end in 2d. `help(nn.Conv2d)` shows what it wants.",
    "A 3 x 3 window needs a neighbour on every side. At the border there is none: how many pixels of padding on "
    "each side replace it? And how many channels does the norm see, coming after the convolution?",
    "The first is nn.Conv2d with four things: in_channels, out_channels, kernel_size 3 and padding 1. The second is "
    "nn.BatchNorm2d with one: the number of channels that the convolution gives.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
