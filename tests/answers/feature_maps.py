KEEP = "maps[name] = output[0].clone()"
HOOK = "handle = layer.register_forward_hook(keep)"
RETURN = "return maps"


def keep(text):
    return {KEEP: f"maps[name] = {text}"}


def hook(text):
    return {HOOK: f"handle = {text}"}


WRONG = [
    ("not-copied", keep("output[0]")),
    ("not-copied", keep("output[0].detach()")),
    ("not-copied", keep("output.squeeze(0).cpu().numpy()")),
    ("not-copied", keep("output[0].clone().relu()")),
    ("not-copied", keep("F.relu(output[0])")),
    ("with-batch-not-copied", keep("output.relu()")),
    ("run-again", keep("module(inputs[0])[0].clone()")),
    ("layer-again", keep("layer(output)[0].clone()")),
    ("copy-of-lists", keep("output[0].copy()")),
    ("never-called-itself", keep("output[0].clone")),
    ("text-as-index", keep("output[name]")),
    ("with-batch", keep("output.clone()")),
    ("with-batch-not-copied", keep("output")),
    ("with-batch-not-copied", keep("output.detach()")),
    ("one-channel", keep("output[0][0].clone()")),
    ("channel-0", keep("output[:, 0].clone()")),
    ("last-dimension", keep("output[..., 0].clone()")),
    ("mean-of-channels", keep("output[0].mean(dim=0)")),
    ("flattened", keep("output[0].clone().flatten()")),
    ("input-instead", keep("inputs[0][0].clone()")),
    ("input-with-batch", keep("inputs[0].clone()")),
    ("only-one", {KEEP: "maps['name'] = output[0].clone()"}),
    ("other-keys", {KEEP: "maps[module] = output[0].clone()"}),
    ("never-called", {KEEP: "output[0].clone()"}),
    ("never-called", {KEEP: "return output"}),
    ("tuple-cloned", keep("inputs.clone()")),
    ("index-too-large", keep("output[1].clone()")),
    ("weights-missing", keep("module.weight")),
    ("name-unknown", keep("outputs[0].clone()")),
    ("name-unknown", keep("x[0].clone()")),
    (None, keep("output[0].clone().abs()")),
    (None, keep("None")),
    (None, keep("'map'")),
    ("whole-network", hook("network.register_forward_hook(keep)")),
    ("whole-network", hook("nn.modules.module.register_module_forward_hook(keep)")),
    ("never-called", hook("layer.register_full_backward_hook(keep)")),
    ("hook-before", hook("layer.register_forward_pre_hook(keep)")),
    ("keep-called", hook("layer.register_forward_hook(keep())")),
    ("no-handle", hook("keep")),
    ("no-handle", hook("layer.register_forward_hook")),
    ("no-handle", {HOOK: "layer.register_forward_hook(keep)\n        handle = layer"}),
    ("no-such-method", hook("layer.register_hook(keep)")),
    ("no-such-method", hook("layer.forward_hook(keep)")),
    ("hook-on-name", hook("name.register_forward_hook(keep)")),
    ("not-a-function", hook("layer.register_forward_hook(maps)")),
    ("not-a-function", hook("layer.register_forward_hook(name)")),
    ("name-unknown", hook("Layer.register_forward_hook(keep)")),
    (None, hook("layer(keep)")),
    (None, hook("None")),
    # both at once
    ("whole-network", {**keep("output[0]"), **hook("network.register_forward_hook(keep)")}),
    (None, {**keep("output[0]"), **hook("layer.register_full_backward_hook(keep)")}),
    # what was given, changed
    (None, {RETURN: "return list(maps.values())"}),
    (None, {RETURN: "pass"}),
    (None, {"handle.remove()": "pass"}),
    (None, {"name=name": "name=names[0]"}),
    (None, "feature_maps = None\n"),
]

RIGHT = [
    keep("output.clone()[0]"),
    keep("output.detach().squeeze(0).clone()"),
    keep("torch.clone(output[0, :, :, :])"),
    keep("output[-1].double()"),
    keep("output[0].numpy().copy()"),
    keep("output.mean(dim=0)"),
    {KEEP: "copied = output.clone()\n            maps[name], = copied"},
    {KEEP: "maps.update({name: torch.tensor(output[0].tolist())})"},
    hook("layer.register_forward_hook(hook=keep)"),
    hook("network.get_submodule(name).register_forward_hook(keep)"),
    hook("layer.register_forward_hook(lambda layer, x, y, keep=keep: keep(layer, x, y))"),
    hook("dict(network.named_modules())[name].register_forward_hook(keep, prepend=True)"),
    {RETURN: "print('a print costs nothing')\n    return dict(maps)"},
    """\
def feature_maps(network, names, image):
    maps, x = {}, image[None]
    with torch.no_grad():
        for name, layer in network.named_children():
            x = layer(x.clone())
            if name in names:
                maps[name] = x[0]
    return maps
""",
]
