"""The training loop behind `helpers.train.fit`: one run with its data, its clock, its state and its files."""

import contextlib
import math
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from helpers.figures import output
from helpers.training import checkpoints
from helpers.training.batches import augment, normalise, resize, split
from helpers.training.display import Progress
from helpers.training.optimise import computing, cycle, memory_kept, optimisers, precision
from helpers.training.recipe import Recipe

EVALUATIONS = 12  # points of the curve: enough to see its bends, few enough to cost little
SAVE_EVERY = 30  # seconds: what a kill costs at most
TIME_UP = "the time is up"

now = time.monotonic  # the tests put another clock here


class History(list):
    """One dict an evaluation: seconds, images (seen so far), size (pixels), lr, train_loss (smoothed labels),
    train_accuracy, validation_loss, validation_accuracy, validation_images, images_per_second; quick_loss and
    quick_accuracy on the first `Recipe.quick` validation pictures, by which the best weights are chosen. Accuracies in 0..1.

    Attributes:
        mean, std: three floats in 0..1, of the training pictures; the model wants pictures normalised with them.
        stopped: why the training ended. best: the dict of the weights that the model has now, None without one.
    """

    mean: list[float]
    std: list[float]
    stopped: str = ""
    best: dict | None = None

    def plot(self) -> None:
        """Accuracy over the minutes."""
        from helpers import show

        best = f"{self.best['validation_accuracy']:.1%}" if self.best else "not known yet"
        says = f"the best validation accuracy is {best}, after {len(self)} evaluations."
        lines = {name: [entry[f"{name}_accuracy"] for entry in self] for name in ("train", "validation")}
        minutes = [entry["seconds"] / 60 for entry in self]
        show.curves(lines, says, x=minutes, xlabel="minutes", ylabel="accuracy")


@torch.no_grad()
def evaluate(
    model: nn.Module, data: Any, mean: list[float], std: list[float], size: int | None = None
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (0..1) of the model on `data`, a data.Images; where the model is.

    Args:
        size: side of the pictures in pixels if it is not their own.
    """
    device = next(model.parameters()).device
    training, loss, right = model.training, 0.0, 0
    model.eval()
    for images, labels in zip(data.images.split(250), data.labels.split(250), strict=True):
        x, y = normalise(images.to(device), mean, std), labels.to(device)
        with computing(device):
            logits = model(resize(x, size or x.shape[-1]))
        loss += F.cross_entropy(logits.float(), y, reduction="sum").item()
        right += (logits.argmax(1) == y).sum().item()
    model.train(training)
    return loss / len(data.labels), right / len(data.labels)


class Run:
    """One training: its data on the device, its state, and its files."""

    def __init__(self, model, data, budget, pictures, recipe, out, augmented, device, started) -> None:
        self.model, self.budget, self.pictures = model, budget, pictures
        self.recipe, self.device = recipe, device
        torch.manual_seed(recipe.seed)  # for dropout
        self.rng = torch.Generator().manual_seed(recipe.seed)  # for order and augmentation
        self.augmented = "digits" not in data.source if augmented is None else augmented

        # the whole data set as one tensor on the device
        rows, kept = split(data.labels, recipe.validation, recipe.seed)
        self.images, self.labels = data.images[rows].to(device), data.labels[rows].to(device)
        self.kept = data._replace(images=data.images[kept].to(device), labels=data.labels[kept].to(device))
        self.history = History()
        # (3,), training pictures only
        std, mean = torch.std_mean(self.images[:10_000].float() / 255, dim=(0, 2, 3))
        self.history.mean, self.history.std = mean.tolist(), std.clamp(min=1e-3).tolist()
        self.full = self.images.shape[-1]
        self.small = self._half(len(data.class_names)) if recipe.half_size else self.full
        self.optimisers = optimisers(model, recipe, precision(device.type))
        self.peaks = [[group["lr"] for group in o.param_groups] for o in self.optimisers]

        if recipe.mixed:
            from torchvision.transforms import v2

            self.mix = v2.CutMix(num_classes=len(data.class_names))
        self.setup = {**asdict(recipe), "data": data.source, "pictures": len(data.labels)}
        self.setup["augmented"] = self.augmented
        self.seen, self.order = 0, torch.empty(0, dtype=torch.long)  # pictures seen; rows left of this epoch
        self.best_weights = self._copy()
        self.zero = started  # the moment at which an uninterrupted run would have started
        self.speeds: dict[int, float] = {}  # size -> pictures a second of an evaluation
        self.step_seconds = self.save_seconds = 0.0
        self.totals = torch.zeros(3, device=device)  # loss, right, pictures since the last evaluation
        self.folder = Path(out) if out is not None else None
        if self.folder and (reason := checkpoints.writable(self.folder)):
            self._give_up_folder(reason)

    @memory_kept()
    def train(self, bar: bool) -> None:
        """Steps and evaluations until the work is done or the time is up, or somebody or something stops it."""
        history = self.history
        progress = Progress() if bar else None
        self.evaluated = self.saved = read = now()
        point = self._done(read - self.zero)  # where the last evaluation was
        self.aside, steps, worse = 0.0, 0, 0  # aside: seconds since the last evaluation that were no training
        try:
            while not history.stopped:
                spent = now() - self.zero
                size = self.small if self._done(spent) < self.recipe.half_size else self.full
                reserve = self._reserve(size)
                if reason := self._end(spent + self.step_seconds + reserve, spent):
                    history.stopped = reason
                    break
                self._step(size, self._done(spent, min(reserve, self.budget / 2)))
                steps += 1

                # asking a GPU for a number makes it wait: four times a second is enough
                if self.device.type == "cpu" or now() - read > 0.25 or not self.step_seconds:
                    loss, right, pictures = self.totals.tolist()
                    self.step_seconds, read, steps = (now() - read) / steps, now(), 0
                    if not math.isfinite(loss):
                        raise FloatingPointError
                    speed = pictures / max(1e-9, read - self.evaluated - self.aside)
                    if progress:
                        left = max(0.0, self.budget - read + self.zero)
                        if self.pictures:
                            left = min(left, max(0, self.pictures - self.seen) / speed)
                        text = f"loss {loss / pictures:.3f}, accuracy {right / pictures:.1%}, {speed:,.0f} images/s"
                        progress.show(self._done(read - self.zero), text, f", {left:.0f} s left")

                done = self._done(now() - self.zero)
                if min(done - point, 2 * (1 - self._done(spent + reserve))) > 1 / EVALUATIONS:
                    worse = 0 if self._evaluation(size, self.recipe.quick) else worse + 1
                    if progress:
                        progress.draw(history)
                    self._save()
                    self.evaluated, self.aside, read, steps = now(), 0.0, now(), 0
                    point = self._done(self.evaluated - self.zero)
                    if self.recipe.patience is not None and worse >= self.recipe.patience:
                        history.stopped = f"no better for {worse} evaluations"
                elif self.folder and now() - self.saved > SAVE_EVERY:
                    self._save()
                    self.aside += self.save_seconds
                    read, steps = now(), 0
            if self.totals[2]:  # steps since the last evaluation
                self._evaluation(size, len(self.kept.labels))
                if progress:
                    progress.draw(history)
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            if not history.best:
                self.best_weights = self._copy()
        except FloatingPointError:
            history.stopped = "the loss became NaN"
        if progress:
            progress.close(1.0 if history.stopped == TIME_UP else self._done(now() - self.zero))
        if history.stopped != "the loss became NaN":
            self._save()  # before the best weights take their place: a resumed run goes on from the last ones
        self.model.load_state_dict(self.best_weights)
        output.text(_last_words(history, now() - self.zero, self.recipe, self.seen / len(self.labels)))

    def _done(self, spent: float, reserve: float = 0.0) -> float:
        """Share of the work that is done, 0..1: of the pictures if their number is given, else of the time."""
        return self.seen / self.pictures if self.pictures else spent / (self.budget - reserve)

    def _end(self, planned: float, spent: float) -> str:
        """Why it ends here, "" if it does not: `planned` seconds are spent after one more step and the last evaluation."""
        if self.pictures and self.seen >= self.pictures:
            return f"all {self.pictures:,} pictures were seen"
        if planned < self.budget or (not self.seen and spent < self.budget):
            return ""
        return TIME_UP + (f" after {self.seen:,} of {self.pictures:,} pictures" if self.pictures else "")

    def _step(self, size: int, share: float) -> None:
        """One batch: the next rows of a shuffled epoch, augmented, normalised, at this size; one step."""
        recipe = self.recipe
        if len(self.order) < recipe.batch_size:
            self.order = torch.randperm(len(self.labels), generator=self.rng)
        rows, self.order = self.order[: recipe.batch_size].to(self.device), self.order[recipe.batch_size :]
        x, y = self.images[rows], self.labels[rows]  # (b, 3, H, W), (b,)
        if self.augmented:
            x = augment(x, self.rng, recipe.strong)
        x = resize(normalise(x, self.history.mean, self.history.std), size)  # (b, 3, size, size)
        target = y
        if recipe.mixed and torch.rand((), generator=self.rng) < 0.5:
            x, target = self.mix(x, y)  # a piece of each picture from another one; (b, classes): their shares
        with computing(self.device):
            logits = self.model(x)  # (b, classes)
        loss = F.cross_entropy(logits.float(), target, label_smoothing=recipe.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        for optimiser, peaks in zip(self.optimisers, self.peaks, strict=True):
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * cycle(share, recipe)
            optimiser.step()
            optimiser.zero_grad()
        self.seen += len(y)
        with torch.no_grad():
            right = (logits.argmax(1) == y).sum()
            self.totals += torch.stack([loss * len(y), right, loss.new_tensor(len(y))])

    def _evaluation(self, size: int, wanted: int) -> bool:
        """One point of the curve; True if these are the best weights so far. Full size always beats half size."""
        before = now()
        loss, right, pictures = self.totals.tolist()
        wanted = min(wanted, self._affordable(size))
        # weights are compared on the same pictures, also in the last, long one
        cut = min(wanted, self.recipe.quick)
        found = []  # loss, accuracy and pictures of both parts
        for part in (slice(cut), slice(cut, wanted)):
            some = self.kept._replace(images=self.kept.images[part], labels=self.kept.labels[part])
            if n := len(some.labels):
                found.append((*evaluate(self.model, some, self.history.mean, self.history.std, size), n))
        validation_loss, accuracy = (sum(f[i] * f[2] for f in found) / wanted for i in (0, 1))
        if not math.isfinite(loss + validation_loss):
            raise FloatingPointError
        self.speeds[size] = wanted / max(1e-9, now() - before)
        entry = {
            "seconds": round(now() - self.zero, 3),
            "images": self.seen,
            "size": size,
            "lr": self.optimisers[0].param_groups[0]["lr"],
            "train_loss": loss / max(1, pictures),
            "train_accuracy": right / max(1, pictures),
            "validation_loss": validation_loss,
            "validation_accuracy": accuracy,
            "validation_images": wanted,
            "quick_loss": found[0][0],
            "quick_accuracy": found[0][1],
            "images_per_second": pictures / max(1e-9, before - self.evaluated - self.aside),
        }
        self.history.append(entry)
        self.totals.zero_()
        ranks = [(e["size"], e["quick_accuracy"], -e["quick_loss"]) for e in (entry, self.history.best) if e]
        better = len(ranks) == 1 or ranks[0] > ranks[1]
        if better:
            self.history.best, self.best_weights = entry, self._copy()
        return better

    def _affordable(self, size: int) -> int:
        """Validation pictures of an evaluation that costs at most a tenth of the time, at least 250; never more than
        there are, and all of them where the clock should change no number."""
        most = math.inf if self.pictures else max(250, int(0.1 * self.budget * self._speed(size)))
        return min(len(self.kept.labels), most)

    def _speed(self, size: int) -> float:
        """Pictures a second of an evaluation; before the first one, twice what a step makes."""
        guess = 2 * self.recipe.batch_size / self.step_seconds if self.step_seconds else 1e9
        return min(1e9, self.speeds.get(size, guess))

    def _reserve(self, size: int) -> float:
        """Seconds that the last evaluation and saving will take."""
        return self._affordable(size) / self._speed(size) + 1.5 * self.save_seconds

    def _half(self, classes: int) -> int:
        """Half the side of the pictures if the model takes such pictures, else the full side and a sentence."""
        two = normalise(self.images[:2], self.history.mean, self.history.std)
        self.model.eval()
        try:
            with torch.no_grad():
                shape = tuple(self.model(two).shape)
                if shape != (2, classes):
                    wanted = (2, classes)
                    raise ValueError(f"two pictures should give logits of shape {wanted} but give {shape}.")
                # whatever a model raises for pictures that do not fit it
                with contextlib.suppress(Exception):
                    if self.full % 2 == 0 and self.model(resize(two, self.full // 2)).shape == shape:
                        return self.full // 2
        finally:
            self.model.train()
        output.text(
            f"The model takes pictures of {self.full} x {self.full} only, so it trains at full size all the time."
        )
        return self.full

    def _copy(self) -> dict[str, torch.Tensor]:
        state = self.model.state_dict()
        return {name: t.detach().to("cpu", copy=True).contiguous() for name, t in state.items()}

    # what is kept on the disk

    def go_on(self) -> None:
        """From what is in the folder, if anything is."""
        if not self.folder or not (self.folder / "last.pt").exists():
            return
        saved = checkpoints.read_run(self.folder / "last.pt", self.model, self.setup)
        self.model.load_state_dict(saved["model"])
        for optimiser, state in zip(self.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.rng.set_state(saved["rng"])
        torch.set_rng_state(saved["torch_rng"])
        self.history.extend(saved["history"])
        self.history.best = saved["best"]
        self.seen, self.order, self.best_weights = saved["seen"], saved["order"], saved["best_weights"]
        self.zero -= saved["seconds"]
        spent = f"{saved['seconds']:.0f} of {self.budget:.0f} seconds"
        output.text(f"{self.folder} goes on after {spent}; resume=False starts afresh.")

    def _save(self) -> None:
        if not self.folder:
            return
        before, history = now(), self.history
        state = {"setup": self.setup, "seconds": before - self.zero, "seen": self.seen, "order": self.order}
        state |= {"model": self.model.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers]}
        state |= {"rng": self.rng.get_state(), "torch_rng": torch.get_rng_state(), "history": list(history)}
        log = {"minutes": self.budget / 60, "recipe": self.setup, "machine": machine(self.device)}
        log |= {"stopped": history.stopped or "not yet", "best": history.best, "mean": history.mean}
        try:
            best = {"best": history.best, "best_weights": self.best_weights}
            checkpoints.save_run({**state, **best}, self.folder / "last.pt")
            notes = {"mean": history.mean, "std": history.std}
            checkpoints.save(self.best_weights, self.folder / "best.safetensors", notes)
            log |= {"std": history.std, "history": list(history)}
            checkpoints.write_json(self.folder / "log.json", log)
        except OSError as error:
            self._give_up_folder(error.strerror or type(error).__name__)
        self.saved = now()
        self.save_seconds = self.saved - before

    def _give_up_folder(self, reason: str) -> None:
        output.text(f"{self.folder} can't be written ({reason}): training goes on without checkpoints.")
        self.folder = None


def machine(device: torch.device) -> dict[str, Any]:
    """What a number was measured on, for logs."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "device": device.type,
        "device_name": gpu or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "precision": str(precision(device.type)).removeprefix("torch."),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _last_words(history: History, seconds: float, recipe: Recipe, epochs: float) -> str:
    best = history.best
    if history.stopped == "the loss became NaN":
        weights = "the best weights so far" if best else "the weights from before the training"
        return (
            f"Stopped after {seconds:.0f} s: the loss is no longer a finite number, most likely because the learning "
            f"rate is too high. The model has {weights}; "
            f"try Recipe(lr={recipe.lr / 3:.1g}, matrix_lr={recipe.matrix_lr / 3:.1g})."
        )
    text = f"Stopped after {seconds:.0f} s and {epochs:.1f} epochs: {history.stopped}. "
    if not best:
        return text + "There was no evaluation yet; the model has its latest weights."
    return text + (
        f"The model has its best weights: {best['validation_accuracy']:.1%} of {best['validation_images']} "
        f"validation pictures of {best['size']} x {best['size']} pixels."
    )
