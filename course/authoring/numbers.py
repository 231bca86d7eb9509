"""Tables of measured numbers, from the JSON that benchmarks/ wrote: a number that no log shows stands nowhere."""

import json
import re
from statistics import median
from typing import Any

from course.base.paths import ROOT

MARKS = re.compile(
    r"(<!-- (?P<name>training|first minutes|set up|grading):start[^>]*-->\n).*?(<!-- (?P=name):end -->)",
    re.DOTALL,
)


def stamp(text: str) -> str:
    """The text with every marked table (`<!-- training:start -->` ... `<!-- training:end -->`) written anew."""
    return MARKS.sub(lambda m: m[1] + table(m["name"]) + m[3], text)


def table(name: str) -> str:
    """One of them, or how to measure what it shows."""
    form, file, command = TABLES[name]
    measured = _read(f"benchmarks/{file}.json")
    return form(measured) if measured else f"Not measured yet: `python {command}`.\n"


def _read(path: str) -> dict[str, Any]:
    file = ROOT / path
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def _head(*columns: str) -> list[str]:
    return [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]


def training(measured: dict[str, Any]) -> str:
    """Test accuracy by minutes, ours beside the UvA configuration and the shipped checkpoint, and throughput."""
    shipped = _read("data/vit_cifar10.json")
    lines = _head("model", "minutes of training", "test accuracy", "epochs", "hardware")

    def row(model: str, minutes: float, machine: dict[str, Any], epochs: float, accuracy: float) -> None:
        cores = f"{machine['threads']} CPU core{'s' * (machine['threads'] != 1)}"
        hardware = cores if machine["device"] == "cpu" else machine["device_name"]
        lines.append(f"| {model} | {minutes:g} | {accuracy:.1%} | {epochs:.1f} | {hardware} |")

    for entry in sorted(measured["rows"], key=lambda e: (e["minutes"], e["test_accuracy"])):
        name = "the course's ViT" if entry["model"] == "ours" else f"{entry['model']}'s configuration"
        name += f" ({entry['parameters'] / 1e6:.1f} M parameters)"
        row(name, entry["minutes"], measured["machine"], entry["epochs"], entry["test_accuracy"])
    if shipped:
        stages = shipped["stages"]
        images, minutes = sum(s["history"][-1]["images"] for s in stages), sum(s["minutes"] for s in stages)
        epochs = images / (0.9 * stages[0]["recipe"]["pictures"])
        row("the checkpoint that ships", minutes, stages[0]["machine"], epochs, shipped["test_accuracy"])
    speeds = measured["images_per_second"]
    peers = ", ".join(f"{speeds['ours'] / speeds[peer]:.2f} of {peer}'s" for peer in ("timm", "torchvision"))
    lines.append(
        f"\nTraining steps of the same architecture (1.8 M parameters, float32): ours make {peers} speed."
    )
    return (
        "\n".join(lines) + f" Pictures: {measured['data']}. Measured by `benchmarks/train.py`, in one run.\n"
    )


def _spread(rounds: list[float]) -> str:
    """The median of the rounds, and from which to which they went."""
    low, middle, high = (f"{it:.0f}" for it in (min(rounds), median(rounds), max(rounds)))
    return f"{middle} ({low} to {high})" if len(rounds) > 1 else middle


def first_minutes(measured: dict[str, Any]) -> str:
    """How long it takes from `git clone` to the first answer that is right, as measured in a browser."""
    empty, cached = ([sum(stages.values()) for stages in measured[cache]] for cache in ("empty", "cached"))
    setup, again = (
        _spread([stages["installation"] for stages in measured[cache]]) for cache in ("empty", "cached")
    )
    kind = (
        "the build for processors" if "+cpu" in measured["torch"] else "PyTorch's ordinary build, CUDA in it"
    )
    return (
        f"From `git clone` to the first *correct* in JupyterLab: {_spread(empty)} seconds on "
        f"{measured['machine']['cores']} CPU cores, {setup} of them installation, which fetched "
        f"{median(measured['bytes']) / 1e9:.1f} GB ({kind}) at the speed of this network; with the packages in "
        f"uv's cache {_spread(cached)} seconds, {again} of them installation. Median of {len(empty)} rounds (the fastest to "
        "the slowest); a script typed the answer. Measured by `benchmarks/first_minutes.py`.\n"
    )


def set_up(measured: dict[str, Any]) -> str:
    """What each command installs, how long that takes and how large it is."""
    lines = _head("for", "packages", "seconds", "from uv's cache", "`.venv`", "without CUDA")
    for part in measured["parts"].values():
        sizes = [f"{size / 1e9:.1f} GB" for size in (part["bytes"], part["bytes"] - part["bytes_cuda"])]
        seconds = f"{part['seconds']:.0f} | {part['seconds_cached']:.0f}"
        lines.append(f"| `{part['command']}` | {part['packages']} | {seconds} | {' | '.join(sizes)} |")
    return (
        "\n".join(lines)
        + f"\n\nEach row on top of the one above; {measured['machine']['cores']} cores and a "
        "fast network. Measured by `benchmarks/set_up.py`, with the PyTorch of the ordinary index; the last column is that "
        "without CUDA's libraries.\n"
    )


def grading(measured: dict[str, Any]) -> str:
    """Seconds for the same submissions: nbgrader, otter-grader, ours."""
    seconds, many = measured["seconds"], measured["many"]
    notebooks, stock = measured["notebooks"], median(seconds["nbgrader autograde"])
    lines = _head("grader", "sandbox", "seconds", "notebooks a minute", "times nbgrader")
    for name in sorted(seconds, key=lambda name: median(seconds[name]), reverse=True):
        took, walls = median(seconds[name]), "yes" if name.startswith("ours") else "no"
        lines.append(
            f"| {name} | {walls} | {_spread(seconds[name])} | {60 * notebooks / took:.0f} | {stock / took:.1f} |"
        )
    pace = stock * many["notebooks"] / notebooks
    different = len(measured["different_points"])
    same = f"different for {different}" if different else "identical"
    return (
        "\n".join(lines) + f"\n\n{measured['students']} students, {notebooks} notebooks of Part 2, "
        f"{measured['machine']['cores']} cores; points of nbgrader and ours: {same}. Measured by `benchmarks/grade.py`, "
        f"in one run: medians of {len(many['seconds'])} rounds of ours (the fastest to the slowest), the others once. "
        f"{many['notebooks']} notebooks of {many['students']} students take two workers {_spread(many['seconds'])} s, at "
        f"nbgrader's pace they would take {pace:,.0f} s: {pace / median(many['seconds']):.1f} times.{growth()}\n"
    )


def growth() -> str:
    """What more submissions take, and what poisonous ones add."""
    measured = _read("benchmarks/scale.json")
    if not measured:
        return ""
    runs = measured["runs"]
    clean, poisoned = [run for run in runs if not run["poison"]], next(run for run in runs if run["poison"])
    sizes = " / ".join(f"{run['submissions']:,}" for run in clean[:3])
    rates = " / ".join(f"{run['submissions'] / run['seconds']:.1f}" for run in clean[:3])
    same = next(run for run in clean[::-1] if run["submissions"] == poisoned["submissions"])
    whole, dask = measured["class"], measured["dask"]
    memory = max(run["coordinator_mb"] for run in [*clean, whole])
    one, two = (dask["seconds"][workers] for workers in "12")
    notebooks, seconds = whole["notebooks"] // whole["students"], whole["seconds"]
    lines = [
        f"{sizes} students who send one notebook each: {rates} notebooks a second.",
        f"{whole['students']} students who send all {notebooks}: {seconds / 60:.0f} minutes, so 1,000 would take about "
        f"{1000 * seconds / whole['students'] / 60:.0f}; the coordinator's memory peaks at {memory:.0f} MB.",
        f"A Dask cluster on the same machine, {dask['notebooks']} notebooks: one worker {_spread(one)} s, two {_spread(two)} s, "
        f"{median(one) / median(two):.2f} times as fast (two processes that only count do {dask['ceiling']:.2f} times as "
        "much as one).",
        f"{poisoned['poison']} endless or greedy ones in {poisoned['submissions']} add "
        f"{poisoned['seconds'] - same['seconds']:.0f} s (a cell may take {measured['cell_seconds']:g} s).",
    ]
    return f"\n\nHow that grows, with {measured['jobs']} workers (`benchmarks/scale.py`):\n\n" + "\n".join(
        f"- {line}" for line in lines
    )


# name -> what forms it, the file of the measurement, what measures
TABLES = {
    "training": (training, "train", "benchmarks/train.py"),
    "first minutes": (first_minutes, "first_minutes", "-m benchmarks.first_minutes"),
    "set up": (set_up, "set_up", "-m benchmarks.set_up"),
    "grading": (grading, "grade", "benchmarks/grade.py"),
}
