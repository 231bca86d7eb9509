CONV = "nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)"
LIST = "layers = [nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)]"
NORM = "nn.BatchNorm2d(out_channels)"
APPEND = "layers.append(nn.BatchNorm2d(out_channels))"
RETURN = "return nn.Sequential(*layers)"

WRONG = [
    ("no-padding", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=3)"}),
    ("no-padding", {CONV: "nn.Conv2d(in_channels, out_channels, 3, padding='valid')"}),
    ("padding-2", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=2)"}),
    ("window-1", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=1)"}),
    ("window-1-padded", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=1, padding=1)"}),
    ("window-5", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=5, padding=2)"}),
    ("window-5-shrinks", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=5, padding=1)"}),
    ("stride-2", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1)"}),
    ("dilated", {CONV: "nn.Conv2d(in_channels, out_channels, 3, padding=2, dilation=2)"}),
    ("no-bias", {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)"}),
    ("no-bias", {CONV: "nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=not batch_norm)"}),
    ("two-convolutions", {CONV: f"{CONV}, nn.Conv2d(out_channels, out_channels, 3, padding=1)"}),
    ("channels-swapped", {CONV: "nn.Conv2d(out_channels, in_channels, kernel_size=3, padding=1)"}),
    ("colours-fixed", {CONV: "nn.Conv2d(3, out_channels, kernel_size=3, padding=1)"}),
    ("conv-1d", {CONV: "nn.Conv1d(in_channels, out_channels, kernel_size=3, padding=1)"}),
    ("linear", {CONV: "nn.Linear(in_channels, out_channels)"}),
    ("no-window-size", {CONV: "nn.Conv2d(in_channels, out_channels, padding=1)"}),
    ("class-not-made", {CONV: "nn.Conv2d"}),
    ("not-a-list", {LIST: LIST.replace("[", "").replace("]", "")}),
    ("relu-only", {LIST: "layers = []"}),
    ("out-written-out", {CONV: "nn.Conv2d(in_channels, 64, kernel_size=3, padding=1)"}),
    ("out-as-in", {CONV: "nn.Conv2d(in_channels, in_channels, kernel_size=3, padding=1)"}),
    ("no-padding", {CONV: "nn.Conv2d(in_channels, out_channels, 3, 1)"}),
    ("window-7", {CONV: "nn.Conv2d(in_channels, out_channels, 7, padding=3)"}),
    ("window-2", {CONV: "nn.Conv2d(in_channels, out_channels, 2, padding=1)"}),
    ("window-2-shrinks", {CONV: "nn.Conv2d(in_channels, out_channels, 2)"}),
    ("pooled", {CONV: f"{CONV}, nn.MaxPool2d(2)"}),
    ("relu-before-norm", {CONV: f"{CONV}, nn.ReLU()"}),
    ("function-called", {CONV: "F.conv2d(in_channels, out_channels, 3)"}),
    ("list-for-modules", {CONV: f"[{CONV}]"}),
    ("module-lacks", {CONV: "nn.Conv2D(in_channels, out_channels, 3, padding=1)"}),
    ("function-without-module", {CONV: "Conv2d(in_channels, out_channels, 3, padding=1)"}),
    ("argument-unknown", {CONV: "nn.Conv2d(in_channels, out_channels, kernel=3, padding=1)"}),
    (None, {CONV: "nn.ConvTranspose2d(in_channels, out_channels, kernel_size=3)"}),
    (None, {CONV: "nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode='reflect')"}),
    ("momentum", {NORM: "nn.BatchNorm2d(out_channels, momentum=0.9)"}),
    ("no-norm", {APPEND: "pass"}),
    ("no-norm", {NORM: "nn.Identity()"}),
    ("norm-without-scale", {NORM: "nn.BatchNorm2d(out_channels, affine=False)"}),
    ("no-running-statistics", {NORM: "nn.BatchNorm2d(out_channels, track_running_stats=False)"}),
    ("instance-norm", {NORM: "nn.InstanceNorm2d(out_channels)"}),
    ("instance-norm-affine", {NORM: "nn.InstanceNorm2d(out_channels, affine=True)"}),
    ("group-norm", {NORM: "nn.GroupNorm(1, out_channels)"}),
    ("instance-norm-affine", {NORM: "nn.GroupNorm(out_channels, out_channels)"}),
    ("normed-twice", {APPEND: f"{APPEND}\n        {APPEND}"}),
    ("relu-before-norm", {APPEND: f"layers.append(nn.ReLU())\n        {APPEND}"}),
    ("norm-before-conv", {APPEND: "layers.insert(0, nn.BatchNorm2d(in_channels))"}),
    ("dropout-instead", {NORM: "nn.Dropout(0.5)"}),
    ("norm-of-in-channels", {NORM: "nn.BatchNorm2d(in_channels)"}),
    ("norm-1d", {NORM: "nn.BatchNorm1d(out_channels)"}),
    ("norm-3d", {NORM: "nn.BatchNorm3d(out_channels)"}),
    ("layer-norm", {NORM: "nn.LayerNorm(out_channels)"}),
    ("norm-not-told", {NORM: "nn.BatchNorm2d()"}),
    ("no-norm", {APPEND: "layers = layers.append(nn.BatchNorm2d(out_channels))"}),
    ("no-norm", {APPEND: "layers + [nn.BatchNorm2d(out_channels)]"}),
    ("norm-of-in-channels", {NORM: "nn.BatchNorm2d(64)"}),
    ("function-called", {NORM: "F.batch_norm(out_channels)"}),
    ("several-appended", {NORM: "nn.BatchNorm2d(out_channels), nn.ReLU()"}),
    ("switch-for-layer", {NORM: "batch_norm"}),
    ("switch-for-layer", {NORM: "batch_norm(out_channels)"}),
    ("list-for-modules", {NORM: "[nn.BatchNorm2d(out_channels)]"}),
    ("name-not-known", {NORM: "nn.BatchNorm2d(num_features)"}),
    ("module-lacks", {NORM: "nn.BatchNorm(out_channels)"}),
    ("class-not-made", {NORM: "nn.BatchNorm2d"}),
    (None, {NORM: "nn.BatchNorm2d(out_channels, eps=0.1)"}),
    (None, {NORM: "nn.SyncBatchNorm(out_channels), 1"}),
    (None, {NORM: "nn.Softmax(dim=1)"}),
    # both at once, each named
    ("no-padding", {CONV: "nn.Conv2d(in_channels, out_channels, 3)", NORM: "nn.BatchNorm2d(in_channels)"}),
    (None, {RETURN: "layers"}),
    (None, {RETURN: "return nn.Sequential(*layers[:-1])"}),
    (None, "conv_block = None\n"),
]

RIGHT = [
    {CONV: "nn.Conv2d(in_channels, out_channels, 3, padding=1)"},
    {CONV: "nn.Conv2d(in_channels, out_channels, (3, 3), 1, 1)"},
    {CONV: "nn.Conv2d(in_channels, out_channels, kernel_size=3, padding='same')"},
    {CONV: "nn.Conv2d(out_channels=out_channels, in_channels=in_channels, kernel_size=3, padding=3 // 2)"},
    {CONV: "nn.ZeroPad2d(1), nn.Conv2d(in_channels, out_channels, 3)"},
    {LIST: "layers = list([" + CONV + "])\n    print('a print costs nothing')"},
    {NORM: "torch.nn.BatchNorm2d(num_features=out_channels)"},
    {APPEND: "layers += [nn.BatchNorm2d(out_channels)]"},
    {APPEND: "layers.insert(1, nn.BatchNorm2d(layers[0].out_channels))"},
    {APPEND: "layers = [*layers, nn.BatchNorm2d(out_channels, momentum=0.1, affine=True)]"},
    {NORM: "nn.Sequential(nn.BatchNorm2d(out_channels))"},
    {"nn.ReLU()": "nn.ReLU(inplace=True)", RETURN: "return nn.Sequential(*layers).double().float()"},
    """\
import torchvision

def conv_block(in_channels, out_channels, batch_norm):
    norm = nn.BatchNorm2d if batch_norm else None
    return torchvision.ops.Conv2dNormActivation(in_channels, out_channels, norm_layer=norm, bias=True)
""",
    """\
class Block(nn.Module):
    def __init__(self, size_in, size_out, with_norm):
        super().__init__()
        self.convolution = nn.Conv2d(size_in, size_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(size_out) if with_norm else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm(self.convolution(x)))


def conv_block(in_channels, out_channels, batch_norm):
    return Block(in_channels, out_channels, batch_norm)
""",
]
