"""How to train: every number that somebody may want to change."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults were made for ten minutes of CIFAR-10 on two CPU cores."""

    lr: float = 2e-3  # peak for AdamW: tokens, positions, norms, biases, first and last layer
    matrix_lr: float = 0.01  # peak for Muon: the matrices of the blocks; 0.005 and 0.02 are a little worse
    weight_decay: float = 0.05  # of DeiT; for matrices only: not biases, norms, tokens, positions
    batch_size: int = 128  # smaller: noisier steps; larger: too few of them in ten minutes
    label_smoothing: float = 0.1  # 10 % of the target is spread over all classes, against overconfidence
    half_size: float = 0.5  # share of the time at half the resolution; 0: never
    warm_up: float = 0.1  # share of the time in which the learning rate rises: early gradients mislead
    # largest norm of the gradient, as in Dosovitskiy et al. 2021: one odd batch does no harm
    clip: float = 1.0
    strong: bool = False  # strong augmentation, for long runs
    mixed: bool = False  # half of the batches are mixed by CutMix (Yun et al. 2019), for longer runs still
    # evaluations without improvement before it stops; a cycle gains most at its end
    patience: int | None = None
    validation: float = 0.1  # share of the pictures kept apart, to choose the best weights
    # validation pictures for a point of the curve (+-1.5 %); the last one takes all of them
    quick: int = 1000
    seed: int = 0
