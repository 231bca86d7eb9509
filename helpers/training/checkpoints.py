"""Weights and training runs on the disk: written whole or not at all, read without running anything in them."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from helpers.files import write


def write_json(path: Path, content: Any) -> None:
    """`write` of indented JSON."""
    write(path, (json.dumps(content, indent=1) + "\n").encode())


def save(weights: Mapping[str, torch.Tensor], path: str | Path, notes: Mapping[str, Any]) -> None:
    """Tensors by name as safetensors, with notes that are stored as JSON."""
    from safetensors.torch import save as to_bytes

    write(Path(path), to_bytes(dict(weights), metadata={k: json.dumps(v) for k, v in notes.items()}))


def read(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and notes of a file that `save` wrote.

    Raises ValueError with a sentence, if there is no such file or it is not readable as safetensors.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            notes = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            return {name: file.get_tensor(name) for name in file.keys()}, notes
    except FileNotFoundError:
        raise ValueError(f"There is no {path}: train first, or give the folder of an earlier run.") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path} can't be read as a checkpoint: {error}") from None


def load(model: nn.Module, path: str | Path) -> dict[str, Any]:
    """Put the weights of a file that `save` wrote into the model; returns the notes ("mean" and "std" of its pictures).

    Raises ValueError if the file is of another architecture (the message names the tensors) or is not readable.
    """
    weights, notes = read(path)
    check_fits(model, weights, path)
    model.load_state_dict(weights)
    return notes


def check_fits(model: nn.Module, weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Raise a ValueError that names the tensors in which a checkpoint and the model differ."""
    mine = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    theirs = {name: tuple(t.shape) for name, t in weights.items()}
    differ = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    if differ:
        lines = [f"{path} holds another architecture than this model. {len(differ)} tensors differ:"]
        for n in differ[:5]:
            lines.append(f"  {n}: {theirs.get(n, 'absent')} in the file, {mine.get(n, 'absent')} here")
        lines += [f"  and {len(differ) - 5} more"] * (len(differ) > 5)
        lines.append("Train in another folder, or with resume=False to overwrite it.")
        raise ValueError("\n".join(lines))


def save_run(state: Mapping[str, Any], path: Path) -> None:
    """All that a run needs to go on: tensors, numbers, lists, dicts."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write(path, buffer.getvalue())


def read_run(path: Path, model: nn.Module, setup: Mapping[str, Any]) -> dict[str, Any]:
    """What `save_run` wrote, after a look whether it is the same run.

    Raises ValueError for a file that can't be read, another architecture, or another setup (its validation pictures
    might be among our training pictures).
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        theirs = state["setup"]
    except Exception as error:  # whatever a file of other bytes makes torch raise
        raise ValueError(
            f"{path} is no readable checkpoint ({type(error).__name__}). resume=False starts afresh."
        ) from None
    check_fits(model, state["model"], path)
    differ = [f"{k} {theirs.get(k)!r}, now {v!r}" for k, v in setup.items() if theirs.get(k) != v]
    if differ:
        raise ValueError(
            f"{path.parent} holds a run with another setup: {'; '.join(differ)}. "
            "Train in another folder, or with resume=False to overwrite it."
        )
    return state


def writable(folder: str | Path) -> str:
    """Make the folder; why it can't be written, or "" if it can."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        write(Path(folder) / "probe", b"")
        (Path(folder) / "probe").unlink()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
