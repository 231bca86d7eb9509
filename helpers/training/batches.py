"""From stored pictures to what a model trains on: split, augment, normalise; whole batches at once, on any device."""

import torch
import torch.nn.functional as F


def split(labels: torch.Tensor, share: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows for training and rows for validation, shuffled, every class in equal proportion. labels: (N,)."""
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    kept = torch.zeros(len(labels), dtype=torch.bool)
    kept[by_class[:: max(2, round(1 / share))]] = True  # e.g. every tenth
    return shuffled[~kept[shuffled]], shuffled[kept[shuffled]]


def augment(images: torch.Tensor, rng: torch.Generator, strong: bool = False) -> torch.Tensor:
    """Random crop and horizontal flip of each picture, (b, c, H, W) -> (b, c, H, W) of the same type.

    A picture moves by up to an eighth of its side; its border is mirrored into the gap.

    Args:
        rng: a generator of the CPU, so that every device gets the same numbers.
        strong: also turns and stretches a little, changes brightness, contrast and colour, and blanks a square:
            for runs long enough to learn their pictures by heart (more than about 20 epochs).
    """
    b, _, height, width = images.shape
    padding = height // 8
    down, right = torch.randint(-padding, padding + 1, (2, b, 1), generator=rng)  # (b, 1) each
    rows = torch.arange(height) + down  # (b, H): which row of the picture comes where
    columns = torch.arange(width) + right  # (b, W)
    rows, columns = ((n - 1) - ((n - 1) - i.abs()).abs() for n, i in ((height, rows), (width, columns)))
    columns = torch.where(torch.rand(b, 1, generator=rng) < 0.5, columns.flip(1), columns)
    one = torch.arange(b)[:, None, None]
    one, rows, columns = (i.to(images.device) for i in (one, rows[:, :, None], columns[:, None, :]))
    moved = images[one, :, rows, columns].permute(0, 3, 1, 2)  # (b, H, W, c) -> (b, c, H, W)
    return _strongly(moved, rng) if strong else moved


def _strongly(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Half of the pictures turned and stretched, half with other colours, half with a grey square."""
    b, _, height, width = images.shape

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        """Numbers in low..high for the half of the pictures that is drawn, 0 for the others. (b, *shape)"""
        half = (torch.rand(b, generator=rng) < 0.5).view(b, *[1] * len(shape))
        return (low + (high - low) * torch.rand(b, *shape, generator=rng)) * half

    change = uniform(-0.25, 0.25, 2, 2)  # turn, shear and scale at once: (b, 2, 2) near the identity
    matrix = torch.cat([torch.eye(2) + change, torch.zeros(b, 2, 1)], dim=2).to(images.device)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    x = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)

    three = (1 + uniform(-0.4, 0.4, 3)).to(images.device)  # (b, 3)
    contrast, brightness, saturation = three.view(b, 3, 1, 1, 1).unbind(1)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * contrast + mean * brightness
    grey = x.mean(dim=1, keepdim=True)
    x = ((x - grey) * saturation + grey).clamp(0, 255)

    side = height // 3  # the square hides about a ninth: random erasing, Zhong et al. 2020
    corner = torch.randint(0, height - side + 1, (2, b, 1), generator=rng)
    places = ((torch.arange(height), corner[0]), (torch.arange(width), corner[1]))
    rows, columns = ((i >= c) & (i < c + side) for i, c in places)  # (b, H), (b, W)
    hidden = rows[:, :, None] & columns[:, None, :] & (torch.rand(b, 1, 1, generator=rng) < 0.5)
    return torch.where(hidden[:, None].to(images.device), mean, x).to(images.dtype)


def normalise(images: torch.Tensor, mean: list[float], std: list[float]) -> torch.Tensor:
    """uint8 (b, 3, H, W) in 0..255 -> float32 of mean 0 and deviation 1; mean and std are three numbers in 0..1."""
    mean, std = (torch.tensor(x, device=images.device).view(1, -1, 1, 1) for x in (mean, std))
    return (images.float() / 255 - mean) / std


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """(b, c, H, H) -> (b, c, size, size) by averaging; the same tensor if it has that size."""
    return images if size == images.shape[-1] else F.adaptive_avg_pool2d(images, size)
