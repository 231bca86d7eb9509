"""`python -m course`: the staff's commands."""

import sys
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What the teaching staff run.")


@app.callback()
def main() -> None:
    """What the teaching staff run."""


@app.command()
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a generated file has drifted.")
    ] = False,
) -> None:
    """Build solutions/ and notebooks/ (and the README's table) from lessons/."""
    from course import build as builder

    try:
        files = builder.build()
    except builder.BuildError as error:
        raise SystemExit(f"Not built. {error}") from None
    if not check:
        for path in builder.write(files):
            print("wrote" if path.exists() else "removed", path.relative_to(builder.ROOT))
        print(f"{len(files)} files are up to date.")
        return
    drifted = builder.drift(files)
    for path in drifted:
        print("drifted:", path.relative_to(builder.ROOT))
    if drifted:
        raise SystemExit(
            "These files are not what lessons/ gives. Run `make notebooks` and commit the result."
        )
    print(f"{len(files)} files are up to date.")


@app.command()
def demo(part: Annotated[str, typer.Argument(help="A folder of notebooks/.")] = "2_build_a_vit") -> None:
    """Grade three sample students of one part with nbgrader and show their points by notebook."""
    if sys.platform != "linux":
        raise SystemExit("Grading needs Linux (nbgrader's autograder is only tested and isolated there).")
    from course import demo as example
    from course.build import ROOT

    folder = ROOT / "grading" / "demo"
    try:
        print(example.report(example.run(folder, part), folder, part))
    except example.DemoError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    app()
