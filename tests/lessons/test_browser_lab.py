"""The course as people meet it: JupyterLab and formgrader in a real browser, one story a test.

`VIT_SCREENSHOTS=folder` keeps a picture of every step.
"""

import os
import re
import sys
from pathlib import Path

import matplotlib
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from nbgrader.utils import get_username

from helpers import exercises
from tests import notebooks
from tests.lab import OpenNotebook, Story, at_home, copy_course, jupyterlab

KEY, PART, NAME = "q1_position_encoding", "2_build_a_vit", "q1_positional_encoding"
INSIDE, QUESTION = "4_inside_a_pretrained_vit", "inside_head_question"
ANSWER = (
    "Head 2 of block 4 looks at the patch above: its row has one bright cell, and it moves with the query."
)
COMMENT = "Well seen. How would you tell it from a head that copies positions?"


def shortened(folder: Path) -> None:
    """Part 4 with one exercise and the question that a person grades: a notebook that runs in seconds, without a model."""
    path = folder / INSIDE / "inside_a_pretrained_vit.ipynb"
    nb = notebooks.read(path)
    graded = {"inside_z0", "check_inside_z0", QUESTION}
    setup = next(cell for cell in nb.cells if cell.cell_type == "code")
    nb.cells = [
        cell
        for cell in nb.cells
        if cell is nb.cells[0]
        or cell is setup
        or cell.metadata.get("nbgrader", {}).get("grade_id") in graded
        or cell.source.startswith("## Question, graded by hand")
    ]
    assert len(nb.cells) == 6
    nbformat.write(nb, path)


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """JupyterLab on a copy of the course, for a user of whom Jupyter knows nothing yet."""
    folder = tmp_path_factory.mktemp("lab")
    course = copy_course(folder / "course")
    shortened(course / "solutions")
    env = at_home(folder / "home") | {
        "PYTHONPATH": str(course),  # its helpers, not those that are installed
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # the list of fonts takes matplotlib long to make, and is the same for everybody
        "MPLCONFIGDIR": matplotlib.get_configdir(),
    }
    with jupyterlab(course, env, "--old-file=.venv/.lab") as running:  # this environment, no other
        yield running


@pytest.fixture
def story(page, lab, tmp_path, request):
    kept = os.environ.get("VIT_SCREENSHOTS")
    return Story(page, lab, Path(kept or tmp_path) / request.node.name.removeprefix("test_"))


def test_a_student_fills_q1_and_hands_it_in(story, lab, tmp_path):
    from playwright.sync_api import expect

    page, open_notebook = story.page, OpenNotebook(story.page)
    function, check = "def getPositionEncoding", f'check("{KEY}")'
    verdict = open_notebook.output(check)
    with story.step("the course opens"):
        page.goto(lab.start)
        open_notebook.ready()
    with story.step("the notebook of Q1"):
        page.goto(lab.address(f"notebooks/{PART}/{NAME}.ipynb"))
        open_notebook.ready()
    with story.step("the blank is left: not attempted"):
        open_notebook.run_from_the_top(check)
        expect(verdict).to_contain_text("not attempted: getPositionEncoding")
        expect(open_notebook.output("Largest difference").first).to_contain_text("Largest difference")
    with story.step("a wrong answer: the misconception"):
        open_notebook.write(function, "denominator", "n ** (i / d)")
        open_notebook.write(function, "P[k, 2 * i]", "np.sin(k / denominator)")
        open_notebook.write(function, "P[k, 2 * i + 1]", "np.cos(k / denominator)")
        open_notebook.run(function)
        open_notebook.run(check)
        expect(verdict).to_contain_text("incorrect: getPositionEncoding")
        expect(verdict).to_contain_text("That is what you get when the exponent is i/d instead of 2i/d.")
    with story.step("a hint"):
        open_notebook.new_cell_below(check, f'check.hint("{KEY}")')
        expect(open_notebook.output("check.hint(")).to_contain_text(exercises.load(KEY).hints[0])
    with story.step("the right answer: correct"):
        open_notebook.write(function, "denominator", "n ** (2 * i / d)")
        open_notebook.run(function)
        open_notebook.run(check)
        expect(verdict).to_contain_text("✓ correct: getPositionEncoding")
    with story.step("validate"):
        page.get_by_role("button", name="Validate").click()
        expect(page.get_by_role("dialog")).to_contain_text("Success! Your notebook passes all the tests.")
    with story.step("download"):
        page.get_by_role("dialog").get_by_role("button").last.click()
        with page.expect_download() as download:
            story.menu("File", "Download")
        handed_in = tmp_path / download.value.suggested_filename
        download.value.save_as(handed_in)
    assert handed_in.name == f"{NAME}.ipynb"
    lab.run("course", "collect", PART, str(handed_in), "--student", "ada")
    taken = notebooks.read(lab.course / "grading" / "submitted" / "ada" / PART / handed_in.name)
    assert "denominator = n ** (2 * i / d)" in notebooks.cell_of(taken, KEY).source


@pytest.mark.grading
def test_an_instructor_grades_with_formgrader(story, lab):
    from playwright.sync_api import expect

    page, me = story.page, get_username()  # nbgrader's exchange knows people by their account
    formgrader = page.frame_locator("#formgrader iframe")
    assignments = page.locator("#nbgrader-assignment-list")

    def press(column: str, done: str, row: str = INSIDE) -> None:
        """Click the icon of a column in the row, wait for the report, and close it."""
        formgrader.locator("tr", has_text=row).locator(f"td.{column} a").click()
        report = formgrader.locator(".modal-content")
        report.wait_for()
        expect(report).to_contain_text(done, timeout=1000)  # it may be about an error
        report.get_by_role("button", name="OK").click()
        expect(report).to_have_count(0)

    def tab(label: str) -> None:
        story.menu("Nbgrader", label)

    def follow(link, path: str) -> None:
        """Click, and wait until the page at that path has come in place of the one before."""
        link.click()
        page.wait_for_function(
            """path => {
                const inside = document.querySelector("#formgrader iframe").contentWindow;
                return inside.location.pathname.includes(path) && inside.document.readyState === "complete";
            }""",
            arg=path,
        )

    with story.step("formgrader opens"):
        page.set_viewport_size({"width": 1500, "height": 950})  # formgrader's menu stands beside its table
        page.goto(lab.address())
        tab("Formgrader")
        expect(formgrader.locator("td.name", has_text=INSIDE)).to_be_visible()
    with story.step("generate and release"):
        press("assign", "Successfully created the student version")
        press("release", "Successfully released")
    with story.step("a student fetches the assignment"):
        tab("Assignment List")
        assignments.get_by_role("button", name="Fetch", exact=True).click()
        expect(assignments.locator("#fetched_assignments_list")).to_contain_text(INSIDE)
    fetched = lab.course / INSIDE / "inside_a_pretrained_vit.ipynb"
    nb = notebooks.read(fetched)
    solution = notebooks.read(lab.course / "solutions" / INSIDE / fetched.name)
    right = notebooks.cell_of(solution, "inside_z0").source
    notebooks.cell_of(nb, "inside_z0").source = re.sub("  # blank.*", "", right)
    notebooks.cell_of(nb, QUESTION).source = ANSWER
    nbformat.write(nb, fetched)
    with story.step("and submits it"):
        assignments.get_by_role("button", name="Submit", exact=True).click()
        expect(assignments.locator("#submitted_assignments_list")).to_contain_text(INSIDE)
    with story.step("collect"):
        tab("Formgrader")
        press("collect", "Successfully collected")
    with story.step("autograde"):
        submissions = formgrader.locator("tr", has_text=INSIDE).locator("td.num-submissions a")
        follow(submissions, f"/manage_submissions/{INSIDE}")
        expect(formgrader.locator("td.status")).to_have_text("needs autograding")
        press("autograde", "Successfully autograded", me)
        expect(formgrader.locator("td.status")).to_have_text("needs manual grading")
        expect(formgrader.locator("td.score")).to_have_text("2 / 5")
    with story.step("the written question, by hand"):
        follow(formgrader.get_by_role("link", name="Manual Grading"), "/gradebook")
        follow(formgrader.get_by_role("link", name=INSIDE), f"/gradebook/{INSIDE}")
        follow(formgrader.get_by_role("link", name=fetched.stem), f"/gradebook/{INSIDE}/{fetched.stem}")
        follow(formgrader.get_by_role("link", name="Submission #1"), "/submissions/")
        expect(formgrader.locator("body")).to_contain_text(ANSWER)
        page.wait_for_function(  # what the server knows of points and comments comes later, over what stands there
            """() => {
                const { formgrader } = document.querySelector("#formgrader iframe").contentWindow;
                return formgrader?.grades?.loaded && formgrader?.comments?.loaded;
            }"""
        )
        for field, text in ((f"#{QUESTION}", "2.5"), (f"#{QUESTION}-comment", COMMENT)):
            with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
                formgrader.locator(field).fill(text)
                formgrader.locator(field).blur()
    with story.step("generate and release feedback"):
        follow(formgrader.get_by_role("link", name="Manual Grading"), "/gradebook")
        follow(formgrader.get_by_role("link", name="Manage Assignments"), "/manage_assignments")
        press("generate-feedback", "Successfully generated feedback")
        press("release-feedback", "Successfully released feedback")
    with story.step("the student fetches it"):
        tab("Assignment List")
        assignments.locator("#refresh_assignments_list").click()
        expect(assignments.locator("#submitted_assignments_list")).to_contain_text(
            "feedback available to fetch"
        )
        assignments.get_by_role("button", name="Fetch Feedback").click()
        expect(assignments.locator("#submitted_assignments_list")).to_contain_text("view feedback")
    (feedback,) = (lab.course / INSIDE / "feedback").rglob(f"{fetched.stem}.html")
    with story.step("and reads it"):
        page.goto(feedback.as_uri())
        page.get_by_text(COMMENT).scroll_into_view_if_needed()
        expect(page.get_by_text(COMMENT)).to_be_visible()
    with Gradebook(f"sqlite:///{lab.course / 'grading' / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission(INSIDE, me)
        assert (submission.score, submission.max_score, submission.needs_manual_grade) == (4.5, 5, False)
        grade = gradebook.find_grade(QUESTION, fetched.stem, INSIDE, me)
        assert (grade.manual_score, grade.max_score) == (2.5, 3)
    said = BeautifulSoup(feedback.read_text("utf-8"), "html.parser").get_text(" ")
    assert "4.5 of 5" in said
