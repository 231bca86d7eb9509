"""A forward hook keeps what a layer inside a network computes."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values_by
from helpers.observers.feature_maps import ENTRIES, HOOKED, LEFT, MAPS, network_of, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {"names": names, "image": tensor(rng, *shape), "seed": seed, "label": label}
        for names, shape, label in (
            (("0", "2", "3"), (3, 8, 10), "a small VGG"),
            (("5", "3", "1"), (3, 12, 6), "deep layers first"),
        )
    ]


def outputs(case: Case) -> dict[str, torch.Tensor]:
    """What every layer gives before anything writes into it, (1, ...) each: "-1" goes in, "" is the network's output."""
    x = case["image"][None]
    made = {"-1": x}
    with torch.no_grad():
        for name, layer in network_of(case).named_children():
            x = made[name] = layer(torch.clone(x))
    return {**made, "": x}


def maps_of(case: Case, change) -> Arrays:
    """`change(name, outputs)` for each name that is asked for."""
    made = outputs(case)
    return {key: to_array(change(name, made), key) for key, name in zip(MAPS, case["names"], strict=True)}


def expected(case: Case) -> Arrays:
    hooked = [float(name in case["names"]) for name in outputs(case)]
    return {
        **maps_of(case, lambda name, made: made[name].squeeze(0)),
        ENTRIES: np.array(3.0),
        HOOKED: np.array(hooked[:-1]),
        LEFT: np.array(0.0),
    }


def right(seen: Arrays, wanted: Arrays) -> bool:
    return exercise.same(seen, wanted, *MAPS, ENTRIES)


def kept_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The right maps; or, where the hook sits on the whole network, what the network gives."""
    whole = maps_of(case, lambda name, made: made[""].squeeze(0))
    on_network = seen[HOOKED][0] == 1
    return right(seen, wanted) or (on_network and right(seen, {**wanted, **whole}))


def hook_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The right maps, however they were caught; or hooks on exactly the layers that were asked for."""
    return float(seen[LEFT]) == 0 and (right(seen, wanted) or exercise.close(seen[HOOKED], wanted[HOOKED]))


def all_maps(change):
    return lambda case: maps_of(case, change)


def overwritten(name: str, made: dict[str, torch.Tensor]) -> torch.Tensor:
    """The output of a layer after the ReLU behind it, if there is one, has written into it."""
    return torch.relu(made[name]) if name in ("0", "3", "5") else made[name]


def before(name: str, made: dict[str, torch.Tensor]) -> torch.Tensor:
    """What goes into a layer; a ReLU has written into it."""
    return made[name if name in ("1", "4", "6") else str(int(name) - 1)]


misconceptions = (
    *values_by(all_maps, {
        "not-copied: what is below 0 is gone. Either no copy is kept, and the ReLU behind the layer writes into what you kept: clone makes one. Or a ReLU is taken of it in this line: keep the output as it came.":
            lambda name, made: overwritten(name, made).squeeze(0),
        "with-batch: the maps still have the dimension of the batch: there is one image, take number 0.":
            lambda name, made: made[name],
        "with-batch-not-copied: the whole batch is kept, and what is below 0 is gone: take image number 0, and keep a copy of it as it came (without one, the ReLU behind the layer writes into it).":
            overwritten,
        "one-channel: only the first channel is kept: output[0] is the image, output[0][0] its first channel.":
            lambda name, made: made[name][0, 0],
        "channel-0: channel 0 is taken, not image 0: the batch is the first dimension.":
            lambda name, made: made[name][:, 0],
        "last-dimension: the last dimension is cut, which is the width: the batch is the first.":
            lambda name, made: made[name][..., 0],
        "mean-of-channels: the channels are averaged: keep them all.":
            lambda name, made: made[name].mean(dim=1).squeeze(0),
        "flattened: the maps are flattened: keep them as (channels, H, W).":
            lambda name, made: made[name].flatten(),
        "input-instead: what goes into the layer is kept: what comes out is `output`.":
            lambda name, made: before(name, made).squeeze(0),
        "input-with-batch: what goes into the layer is kept: what comes out is `output`.": before,
        "whole-network: the hook is on the whole network, so each name gets the network's last output: hook it to `layer`.":
            lambda name, made: made[""].squeeze(0),
    }),
    *properties({
        "only-one: all maps are put under one and the same key, or one replaces the other: use `name`.":
            lambda seen, wanted, case: float(seen[ENTRIES]) == 1,
        "other-keys: the keys of `maps` are not the names that were asked for: use `name`.":
            lambda seen, wanted, case: float(seen[ENTRIES]) > 0 and not any(key in seen for key in MAPS),
        "never-called: `keep` put nothing into maps: either the hook is of another kind (for the backward pass, say), or `keep` does not store what it gets.":
            lambda seen, wanted, case: float(seen[ENTRIES]) == 0,
    }),
    *properties({
        "whole-network: the hook is on the whole network, so each name gets the network's last output: hook it to `layer`.":
            lambda seen, wanted, case: seen[HOOKED][0] == 1,
    }),
    *errors({
        "hook-before: the hook runs *before* the layer (a pre-hook), when there is no output yet: register a forward hook.": r"keep\(\) missing 1 required positional argument: 'output'",
        "keep-called: `keep` is called at once: hand over the function itself, without brackets. PyTorch calls it later.": r"keep\(\) missing \d required positional arguments",
        "no-handle: `handle` is not what registering gives back: that is an object with `remove`, which the last lines need.": r"object has no attribute 'remove'",
        "weights-missing: weights are looked for, but a layer like ReLU has none, and filters are not feature maps: use `output`.": r"no attribute 'weight'",
        "no-such-method: a layer has no method of that name (register_hook, say, is for tensors): look for one that registers a forward hook.": r"AttributeError: '(Conv2d|MaxPool2d|ReLU|Network)' object has no attribute",
        "hook-on-name: the hook is hung on the name, which is text: the layer is called `layer`.": r"'str' object has no attribute",
        "not-a-function: what is registered is no function: hand over `keep`.": r"object is not callable",
        "tuple-cloned: `inputs` is a tuple, one for each argument of the layer; what you want is `output`.": r"'tuple' object has no attribute",
        "index-too-large: there is only one image in the batch: its number is 0.": r"IndexError: index 1 is out of bounds",
        "run-again: the layer, or the network, is run again inside of its own hook, which calls the hook again, without end: what it has computed is `output`.": "RecursionError",
        "layer-again: the layer is run once more, on what has come out of it: `output` is what you want to keep.": r"Given groups=|conv2d\(\) received",
        "copy-of-lists: a tensor has no method `copy`, as lists have: look for one that does the same.": "'Tensor' object has no attribute 'copy'",
        "name-unknown: a name is used that does not exist here: `keep` has module, inputs, output and name.": r"NameError: name ",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    at = list(index) if index else ""
    return f"maps[{case['names'][MAPS.index(key)]!r}]{at}" if key in MAPS else f"{key}{at}"


def given(case: Case) -> dict:
    maps = maps_of(case, lambda name, made: made[name].squeeze(0))
    return {
        "maps[name] =": {
            name: torch.from_numpy(maps[key]) for key, name in zip(MAPS, case["names"], strict=True)
        }
    }


parts = (
    Part("the maps that are kept", 1, (*MAPS, ENTRIES), agrees=kept_agrees, blank="maps[name] ="),
    Part("the hook", 1, (*MAPS, HOOKED), agrees=hook_agrees, blank="handle =", alone=(HOOKED, LEFT)),
)
hints = (
    "`help(nn.Module.register_forward_hook)` says when such a hook is called, and with what.",
    "output has shape (1, channels, H, W). Which index takes the one image out of the batch? And which method of a "
    "tensor copies it?",
    "maps[name]: image 0 of output, then clone() of it. handle: call register_forward_hook of the layer, with keep "
    "(no brackets behind keep).",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
