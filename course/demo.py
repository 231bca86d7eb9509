"""`make demo`: three students of one part (Part 2 if none is named), graded by nbgrader's own commands, in a gradebook of their own.

Ada has everything right, Ben about half with mistakes that students make, Cleo handed in the untouched
notebooks. Their submissions are written from the notebooks each time, so they never go stale.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat

from course.base.paths import ROOT, bracketed
from course.sandbox.bubblewrap import why_not

QUIET = 2.0  # seconds of a step after which a line says what it is at; at most one line in so many
STILL = 30.0  # seconds after which it is said again that nothing has moved
AT = re.compile(r"\] (?:Sanitizing|Converting notebook) .*/([^/]+)/[^/]+/([^/]+)\.ipynb$", re.MULTILINE)
# Before a reason stands its record's name, or the four spaces of a record's later lines, if it is what a traceback
# ends with. The rest is no reason: other records, a traceback's inside, its SQL, and where to look further.
LEAD = re.compile(r"\[\w+ \| (?:ERROR|CRITICAL)\] |    (?=\w[\w.]*: \S)")
NOISE = re.compile(
    r"$|\s|\[|\S+:\d+: \w*Warning|Traceback |During handling|The above exception|--- Logging|Call stack|Message: "
    r"|Arguments: |\(Background|If you suspect|.*Please see the "
)
ALONE = (
    "WITHOUT A SANDBOX: {}. These three are our own notebooks; what students send is refused on this machine."
)

PART = "2_build_a_vit"
STUDENTS = {"ada": "all right", "ben": "typical mistakes", "cleo": "untouched"}

# Ben's answers, exercise -> {text of the solution: what he wrote}; in the others he is right.
MISTAKES: dict[str, dict[str, str]] = {
    "cosine_similarity": {"a @ b / (a.norm() * b.norm())": "a @ b"},
    "attention_scores": {"E / math.sqrt(d_k)": "E / d_k"},
    "causal_mask": {"torch.ones(n, n).tril()": "torch.ones(n, n).triu()"},
    "attention_output": {"torch.softmax(scores, dim=1)": "torch.softmax(scores, dim=0)"},
    "q1_position_encoding": {"np.power(n, 2 * i / d)": "np.power(n, i / d)"},
    "q2_rearrange_warmup": {"(30, 1280, 3)": "(960, 40, 3)", "(32, 15, 20, 12)": "(32, 15, 20, 3)"},
    "q2_patch_embedding": {"in_channels * patch_size**2": "patch_size**2"},
    "q3_class_token": {"torch.cat([cls_tokens, x], dim=1)": "torch.cat([x, cls_tokens], dim=1)"},
    "q4_positional_embedding": {
        "seq_len, d = (img_size // patch_size) ** 2 + 1": "seq_len, d = (img_size // patch_size) ** 2"
    },
    "q5_attention": {
        "torch.softmax(scores / self.head_dim**0.5, dim=-1)": "torch.softmax(scores, dim=-1) / x.shape[-1] ** 0.5",
        'b n (h d)")': 'b n (d h)")',
    },
    "q6_residual_add": {"x + self.fn(x, **kwargs)": "x"},
    "q7_feed_forward": {
        "nn.Linear(emb_size, expansion * emb_size)": "nn.Linear(emb_size, emb_size // expansion)"
    },
    "q7_layer_norm": {"((x - mean) ** 2).mean(dim=-1, keepdim=True)": "x.var(dim=-1, keepdim=True)"},
    "q7_encoder_block": {"nn.LayerNorm(emb_size),\n                    FeedForwardBlock": "FeedForwardBlock"},
    "conv_block": {"kernel_size=3, padding=1": "kernel_size=3"},
    "training_step": {"optimizer.zero_grad()": "pass"},
    "debug_a_vit": {"vit.train()": "pass"},
    "early_stopping": {"self.waited >= self.patience": "self.waited > self.patience"},
    "feature_maps": {"output[0].clone()": "output[0]"},
}


class DemoError(Exception):
    """A step of nbgrader failed; the text says which, what nbgrader said last, and where all of it is."""


def submission(student: str, notebook: str, part: str = PART) -> nbformat.NotebookNode:
    """The release notebook as this student would hand it in, not executed."""
    release = nbformat.read(ROOT / "notebooks" / part / notebook, as_version=4)
    if student == "cleo":
        return release
    solved = nbformat.read(ROOT / "solutions" / part / notebook, as_version=4)
    answers = {cell.id: cell.source for cell in solved.cells}
    for cell in release.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            answer = "\n".join(line.split("  # blank")[0] for line in answers[cell.id].split("\n"))
            for old, new in MISTAKES.get(cell.id, {}).items() if student == "ben" else ():
                if old not in answer:
                    raise DemoError(f"course/demo.py: {old!r} is not in the solution of {cell.id}.")
                answer = answer.replace(old, new)
            cell.source = answer
    return release


def run(folder: Path, part: str = PART) -> dict[str, dict[str, tuple[float, float]]]:
    """Grade the three students with nbgrader below `folder` (emptied first).

    Returns:
        student -> notebook -> (points, maximum), from nbgrader's gradebook.

    Raises:
        DemoError: if there is no such part, or a command fails; nbgrader's output is kept in `folder`/demo.log.
    """
    parts = sorted(path.name for path in (ROOT / "notebooks").iterdir() if path.is_dir())
    if part not in parts:
        raise DemoError(f"There is no part {part!r}; there are {', '.join(parts)}.")
    if why := bracketed():
        raise DemoError(f"{why}.")
    if why := why_not():
        print(f"Grading {ALONE.format(why)}", flush=True)
    hand_in(folder, part)
    return grade(folder, part, sandboxed=not why)


def hand_in(folder: Path, part: str = PART) -> None:
    """Write the three submissions below `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    for student in STUDENTS:
        there = folder / "submitted" / student / part
        there.mkdir(parents=True)
        for path in sorted((ROOT / "notebooks" / part).glob("*.ipynb")):
            nbformat.write(submission(student, path.name, part), there / path.name)


def grade(
    folder: Path, part: str = PART, sandboxed: bool = True
) -> dict[str, dict[str, tuple[float, float]]]:
    """Grade what was handed in below `folder`; returns and raises what `run` does."""
    below = folder.relative_to(ROOT).as_posix()
    released = len(list((ROOT / "notebooks" / part).glob("*.ipynb")))
    sent = len(list(folder.glob(f"submitted/*/{part}/*.ipynb")))
    # its own release folder: a demo must never write over notebooks in which somebody works
    release = f"--CourseDirectory.release_directory={below}/release"
    step(folder, released, "generate_assignment", part, release)
    step(folder, sent, "autograde", part, f"--Judge.sandboxed={sandboxed}")
    step(folder, sent, "generate_feedback", part)
    step(folder, 0, "export")
    return points(folder, part)


def step(folder: Path, notebooks: int, *words: str) -> None:
    """One of nbgrader's commands; while it runs, a line now and then says what it is at.

    Raises DemoError if it fails.
    """
    print(f"nbgrader {' '.join(words[:2])} ...", flush=True)
    log = folder / "demo.log"
    below = folder.relative_to(ROOT).as_posix()
    env = {**os.environ, "VIT_GRADING": below, "VIT_GRADEBOOK": "", "VIT_OFFLINE": "1"}
    # somebody's own settings may silence it, and its log is what we read
    command = [sys.executable, "-m", "nbgrader", *words, "--NbGrader.log_level=INFO"]
    with log.open("a") as output:
        before = output.tell()
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)

    def said() -> str:
        return log.read_bytes()[before:].decode("utf-8", "replace")

    with process:
        last, told = "", time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(0.1)
                waited = time.monotonic() - told
                if waited > QUIET:
                    at = doing(said(), notebooks)
                    if at != last or waited > STILL:
                        print(f"  {'still ' if at == last else ''}{at}", flush=True)
                        last, told = at, time.monotonic()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        why = "\n".join(f"  {line}" for line in reason(said())) or f"  exit code {process.returncode}"
        raise DemoError(f"`nbgrader {' '.join(words)}` failed:\n{why}\nAll that it said is in {log}.")


def doing(said: str, notebooks: int) -> str:
    """What a command of nbgrader's is at, from what it has said: "ben, q3_class_token (12 of 24)"."""
    seen = list(dict.fromkeys(AT.findall(said)))
    if not seen:
        return "getting ready"
    student, name = seen[-1]
    return f"{'' if student == '.' else f'{student}, '}{name} ({len(seen)} of {notebooks})"


def reason(said: str) -> list[str]:
    """nbgrader's last sentences: its errors and the last lines of tracebacks, each once."""
    lines = [line[found.end() :] if (found := LEAD.match(line)) else line for line in said.splitlines()]
    return list(dict.fromkeys(line for line in lines if not NOISE.match(line)))[-5:]


def points(folder: Path, part: str = PART) -> dict[str, dict[str, tuple[float, float]]]:
    """Every student's points by notebook, read from nbgrader's gradebook."""
    from course.base import settings

    course_id = settings.load().CourseDirectory.course_id
    with settings.Gradebook(f"sqlite:///{folder / 'gradebook.db'}", course_id) as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(part):
            notebooks = sorted(submission.notebooks, key=lambda notebook: notebook.name)
            found[submission.student.id] = {each.name: (each.score, each.max_score) for each in notebooks}
        return found


def report(table: dict[str, dict[str, tuple[float, float]]], folder: Path, part: str = PART) -> str:
    """Points by notebook, and where the feedback pages are."""
    names = sorted(next(iter(table.values())))
    lines = ["", "student  " + "".join(f"{name.split('_')[0]:>10}" for name in names) + f"{'total':>12}"]
    for student, scores in sorted(table.items()):
        cells = "".join(f"{f'{scores[n][0]:g} / {scores[n][1]:g}':>10}" for n in names)
        total = f"{sum(s for s, _ in scores.values()):g} / {sum(m for _, m in scores.values()):g}"
        lines.append(f"{student:<9}{cells}{total:>12}   {STUDENTS[student]}")
    lines += ["", "Feedback pages (open one in a browser):"]
    for student in sorted(table):
        lines.append(f"  {folder.relative_to(ROOT).as_posix()}/feedback/{student}/{part}/{names[0]}.html")
    if why := why_not():
        lines += ["", f"Graded {ALONE.format(why)}"]
    return "\n".join(lines)
