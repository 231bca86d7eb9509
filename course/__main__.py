"""`python -m course`: the staff's commands."""

import os
import sys
from pathlib import Path
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:
    raise SystemExit(
        "The staff's packages are not installed: make setup (Windows: py course\\install.py course), then "
        "source .venv/bin/activate."
    ) from None

from course.base.paths import published
from course.base.text import printable
from helpers import console

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What the teaching staff run.")


@app.callback()
def main() -> None:
    """What the teaching staff run."""
    if why := published():
        raise SystemExit(f"Nothing was done. {why}.")
    # nbgrader calls alembic by its name, which is beside this Python, whether its environment is activated or not
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@app.command()
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a generated file has drifted.")
    ] = False,
) -> None:
    """Build solutions/ and notebooks/ (and the README's table) from lessons/."""
    from course.authoring import badges
    from course.authoring import build as builder

    try:
        files = builder.build()
    except builder.BuildError as error:
        raise SystemExit(f"Not built. {error}") from None
    changed = builder.drift(files) if check else builder.write(files)
    for path in changed:
        how = "drifted:" if check else "wrote" if path.exists() else "removed"
        print(how, path.relative_to(builder.ROOT))
    if check and changed:
        raise SystemExit(
            "These files are not what lessons/ gives. Run `make notebooks` and commit the result."
        )
    print("\n".join([f"{len(files)} files are up to date.", *badges.elsewhere()]))


@app.command()
def pins(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if they do not hold somewhere.")
    ] = False,
) -> None:
    """Resolve all packages for every Python and system: constraints.txt."""
    from course import pins as resolver

    try:
        if not check:
            print("wrote", resolver.renew().name)
    except resolver.PinsError as error:
        raise SystemExit(f"Not renewed. {error}") from None
    if check and (wrong := resolver.check()):
        raise SystemExit(
            "\n".join(["constraints.txt does not hold everywhere (`make pins` renews it):", *wrong])
        )
    print(f"The pins hold for {len(resolver.WHERE)} kinds of machine." if check else "Run make check now.")


@app.command()
def collect(
    part: Annotated[str, typer.Argument(help="The part's folder, e.g. 2_build_a_vit.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Archives from the LMS, folders, notebooks; none: only apply a new roster."),
    ] = None,
    student: Annotated[
        str | None, typer.Option(help="Id of the one student who sent all of these files.")
    ] = None,
    who: Annotated[
        str | None,
        typer.Option(help="Whose each file is: a table (file, id), or an expression such as '(.+)_q1'."),
    ] = None,
) -> None:
    """Take in what students sent: repaired, sorted into grading/submitted/, a verdict for every file."""
    from course.collecting import collect as collector
    from course.collecting import report
    from course.collecting.collected import CollectError

    try:
        found = collector.collect(part, files or [], student, whose=who)
    except CollectError as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(report.show(found))


@app.command()
def export(
    part: Annotated[str, typer.Argument(help="The part's folder, e.g. 2_build_a_vit.")],
    to: Annotated[
        str, typer.Option(help="csv, canvas, moodle, blackboard, brightspace, ilias; not needed with a file.")
    ] = "",
    gradebook: Annotated[
        Path | None, typer.Option(help="The file of grades that the LMS gave: whose it is is seen.")
    ] = None,
    column: Annotated[
        str, typer.Option(help="Name or number of the assignment in that file; Canvas: `new` adds one.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Export points that are not final, too.")] = False,
) -> None:
    """Bring grades and feedback back to the LMS: files in grading/export/, and who needs somebody."""
    from course.returning import export as exporter

    try:
        outcome = exporter.export(part, to, gradebook, column, force)
    except exporter.ExportError as error:
        raise SystemExit(f"Nothing was exported. {error}") from None
    raise SystemExit(exporter.show(outcome))


@app.command()
def report(
    part: Annotated[str, typer.Argument(help="The part's folder, e.g. 2_build_a_vit.")],
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Hide who is who, so that it can be shown to others.")
    ] = False,
    students: Annotated[
        bool,
        typer.Option("--students", help="Also a page for each student: grading/feedback/STUDENT/index.html."),
    ] = False,
) -> None:
    """The class at a glance: what was hard, who misunderstood what, who needs somebody; in grading/report/."""
    from course.returning.report import page, student

    try:
        found, files = page.make(part, anonymous)
        print("\n".join(map(printable, page.summary(found, files))))
        if students:
            print(student.summary(student.make()))
    except page.ReportError as error:
        raise SystemExit(str(error)) from None


@app.command()
def pictures() -> None:
    """Draw the README's gallery from the solutions: docs/pictures/."""
    from course.authoring import gallery as painter
    from course.base.paths import ROOT

    try:
        for path in painter.make():
            print("wrote", path.relative_to(ROOT))
    except painter.PictureError as error:
        raise SystemExit(str(error)) from None


@app.command()
def checkpoint(
    run: Annotated[Path, typer.Argument(help="Folder of a finished `python -m helpers.train`.")],
) -> None:
    """Make a training run the checkpoint that ships: data/vit_cifar10.safetensors, its log and its card."""
    from course.authoring import model_card as packer
    from course.base.paths import ROOT
    from helpers.data.cifar import CLASSES

    try:
        print("wrote", packer.pack(run, ROOT / "data", CLASSES))
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None


@app.command()
def demo(part: Annotated[str, typer.Argument(help="A folder of notebooks/.")] = "2_build_a_vit") -> None:
    """Grade three sample students of one part with nbgrader and show their points by notebook."""
    if sys.platform != "linux":
        raise SystemExit("Grading needs Linux (nbgrader's autograder is only tested and isolated there).")
    from course import demo as example
    from course.base.paths import ROOT

    folder = ROOT / "grading" / "demo"
    try:
        print(example.report(example.run(folder, part), folder, part))
    except example.DemoError as error:
        raise SystemExit(str(error)) from None


@app.command()
def grade(
    part: Annotated[str, typer.Argument(help="For example 2_build_a_vit.")],
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Notebooks at a time; one for each core, if not given.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers judge: tcp://HOST:8786.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what has been graded.")] = False,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Let student code do all that you can do on this machine.")
    ] = False,
) -> None:
    """Grade what lies in grading/submitted: points to nbgrader's gradebook, a record of each verdict.

    It may be stopped at any time: the same command goes on where it stopped.
    """
    if not scheduler:
        from course.grading import pool

        pool.ahead(sandboxed=not no_sandbox)  # while all of this is imported
    from course.grading import run as grading
    from course.grading.gradebook import GradeError
    from course.notebook.release import JudgeError
    from course.sandbox.sandbox import NoSandbox

    try:
        well = grading.grade(
            part, student or (), again=force, sandboxed=not no_sandbox, jobs=jobs, scheduler=scheduler
        )
    except (GradeError, JudgeError, NoSandbox) as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(0 if well else 1)


@app.command("try")
def try_(
    notebook: Annotated[str, typer.Argument(help="A file; with --student the name of a notebook, or q6.")],
    question: Annotated[str, typer.Argument(help="Only this one, e.g. q6_residual_add.")] = "",
    student: Annotated[str, typer.Option(help="Whose notebook in grading/submitted it is.")] = "",
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Let student code do all that you can do on this machine.")
    ] = False,
) -> None:
    """Run one notebook as grading would and say what it gets and why; nothing is recorded."""
    from course.collecting.sheet import CollectError
    from course.grading import trial
    from course.judging.session import NoKernel
    from course.notebook.release import JudgeError
    from course.sandbox.sandbox import NoSandbox

    try:
        print(trial.run(notebook, question, student, not no_sandbox))
    except (trial.TrialError, CollectError, JudgeError, NoSandbox, NoKernel) as error:
        raise SystemExit(str(error)) from None


@app.command()
def forget(
    student: Annotated[str, typer.Argument(help="Id of the student, as export lists it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a student everywhere below grading/, after saying where; what is not removed is named."""
    from course import forget as forgetting
    from course.collecting.sheet import CollectError
    from course.grading.gradebook import Course, GradeError

    try:
        traces = forgetting.find(student)
        print(printable(f"Of {student}, below {traces.grading}:"))
        for line in traces.lines():
            print(printable(f"  {line}"))
        if not (yes or typer.confirm("Remove all of this? It can't be undone.")):
            raise SystemExit("Nothing was removed.")
        with Course(say=print).alone():
            forgetting.remove(traces)
    except (forgetting.ForgetError, CollectError, GradeError) as error:
        raise SystemExit(str(error)) from None
    except typer.Abort:
        raise SystemExit("Nothing was removed: nobody answered. --yes doesn't ask.") from None
    print("Removed." if not traces.stays else "Removed. Not removed, as it is yours:")
    for sentence in traces.stays:
        print(printable(f"  {sentence}"))


@app.command()
def site(
    solutions: Annotated[
        bool, typer.Option("--solutions", help="The instructors' site, with answers.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder to write; emptied first.")] = Path("site"),
    only: Annotated[list[str] | None, typer.Option(help="Only this notebook; may be repeated.")] = None,
) -> None:
    """Write the notebooks, run, as a static site (GitHub Pages can serve the folder as it is)."""
    from course.authoring import site as builder

    try:
        builder.build(out, solutions, only or ())
    except builder.SiteError as error:
        raise SystemExit(str(error)) from None
    print(f"Open {out / 'index.html'} in a browser.")


@app.command()
def doctor() -> None:
    """Say what this machine offers for grading and what to install; exit code 1 if it is not safe."""
    from course import doctor as examination

    findings = examination.examine()
    examination.show(findings)
    if not examination.ready(findings):
        raise SystemExit(1)


def run() -> None:
    """The command; a full disk, or a folder that can't be written, ends it with a sentence."""
    try:
        app()
    except OSError as error:
        from course.grading.gradebook import DISK, unwritable

        if error.errno not in DISK:
            raise
        raise SystemExit(unwritable(error)) from None


if __name__ == "__main__":
    console.prepare()  # before --help, too
    run()
