"""What students write and display, in a real browser, on the feedback page and in formgrader: it is read, and does nothing.

The way is the real one: `collect`, `grade` and nbgrader's `generate_feedback` on a copy of the course, then JupyterLab's formgrader.
"""

import json
import os
import re
import sys
import unicodedata
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests import notebooks
from tests.lab import at_home, copy_course, jupyterlab
from tests.lessons.test_browser_lab import INSIDE, QUESTION, shortened
from tests.returning import texts

pytestmark = [pytest.mark.grading, pytest.mark.needs("sandbox")]

NAME = "inside_a_pretrained_vit"
PICTURE = texts.CASES / "inside_written_answer_with_picture.ipynb"


def hostile(course: Path) -> nbformat.NotebookNode:
    nb = notebooks.read(course / "solutions" / INSIDE / f"{NAME}.ipynb")
    written = notebooks.cell_of(nb, QUESTION)
    written.source = "\n\n".join([*texts.HTML, texts.FAKE, *texts.MARKDOWN])
    at = nb.cells.index(written) + 1
    own = [*texts.HTML, texts.FAKE, *texts.MARKDOWN, *(f"inline {html}" for html in texts.HTML)]
    own += [sent for sent, _ in texts.WRITTEN]
    nb.cells[at:at] = [new_markdown_cell(text) for text in own]
    nb.cells.insert(1, new_code_cell(texts.DISPLAYS))
    return nb


def honest(course: Path) -> nbformat.NotebookNode:
    """The case as it was reported, in a notebook that has the other cells, too."""
    nb = notebooks.read(course / "notebooks" / INSIDE / f"{NAME}.ipynb")
    sent = json.loads(PICTURE.read_text())["cells"][0]
    written = notebooks.cell_of(nb, QUESTION)
    written.source, written.attachments = sent["source"], nbformat.from_dict(sent["attachments"])
    return nb


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    course = copy_course(folder / "course")
    for kind in ("solutions", "notebooks"):
        shortened(course / kind)
    env = at_home(folder / "home") | {
        "PYTHONPATH": str(course),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with jupyterlab(course, env, "--old-file=.venv/.lab") as running:
        for who, made in (("eve", hostile), ("ada", honest)):
            nbformat.write(made(course), folder / f"{who}.ipynb")
            running.run("course", "collect", INSIDE, str(folder / f"{who}.ipynb"), "--student", who)
        running.run("course", "grade", INSIDE)
        running.run("nbgrader", "generate_feedback", INSIDE)
        yield running


class Watched:
    """A page of the browser, and all that must not happen in it."""

    def __init__(self, page, origin: str) -> None:
        self.page, self.asked, self.left, self.dialogs, self.said = page, [], [], [], []
        self.origin = origin
        page.on("request", lambda request: self.asked.append(request.url))
        # what a policy stops was asked for, but does not come here
        page.route(
            texts.ELSEWHERE + "/**", lambda route: (self.left.append(route.request.url), route.abort())
        )
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def opened(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_load_state("networkidle")
        for unfolded in self.page.locator("details").all():
            unfolded.evaluate("it => it.open = true")
        self.page.wait_for_timeout(500)  # for what waits for a moment

    def harmless(self) -> None:
        here = [urlsplit(url) for url in self.asked if not url.startswith("data:image/")]
        assert {f"{url.scheme}://{url.netloc}" for url in here} <= {self.origin}, self.asked
        assert self.dialogs == self.left == []
        assert self.page.evaluate("window.pwned") is None
        assert [frame for frame in self.page.frames if frame != self.page.main_frame] == []
        assert (
            self.page.locator(
                "iframe, object, embed, video, form, base, [onerror], [onload], [ontoggle]"
            ).count()
            == 0
        )


@pytest.fixture
def feedback(page, lab):
    watched = Watched(page, "file://")

    def go(who: str) -> Watched:
        watched.opened((lab.course / "grading" / "feedback" / who / INSIDE / f"{NAME}.html").as_uri())
        return watched

    return go


@pytest.fixture
def formgrader(page, lab):
    origin = lab.url.rstrip("/")
    page.goto(f"{lab.url}login?token={lab.token}&next=/tree")
    page.goto("about:blank")
    watched = Watched(page, origin)
    page.goto(f"{lab.url}formgrader/gradebook/{INSIDE}/{NAME}?token={lab.token}")
    links = page.locator("a", has_text=re.compile(r"Submission #\d"))
    links.first.wait_for()
    found = {}
    for row in page.locator("tbody tr").all():
        link = row.locator("a").first
        found[row.inner_text()] = link.get_attribute("href")

    def go(who: str) -> Watched:
        for href in found.values():
            watched.opened(f"{origin}{href}/")
            if page.locator(".live-notebook .name-shown", has_text=who).count():
                return watched
        raise AssertionError(f"no submission of {who}: {found}")

    return go


@pytest.fixture(params=["feedback", "formgrader"])
def either(request):
    return request.getfixturevalue(request.param)


def plain(text: str) -> str:
    """Without blanks, and letters of formulas as letters."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_nothing_acts_and_everything_is_read(either):
    watched = either("eve")
    watched.harmless()
    said = plain(watched.page.locator("body").inner_text())
    for _, seen in texts.WRITTEN:
        if not seen.startswith("<blockquote"):
            assert plain(seen) in said, seen
    assert "shown as markdown, i<n and k>m" in watched.page.locator("body").inner_text()
    assert "<script>window.pwned=1;alert(1)</script>" in said
    assert watched.page.locator("blockquote").count() >= 1
    cell = watched.page.locator("td", has_text="i<j").first
    assert cell.evaluate("it => parseFloat(getComputedStyle(it).paddingRight)") > 4, "i<j and k>l, not i<jk>l"


def test_what_is_painted_stands_in_a_box_and_reaches_no_further(either):
    page = either("eve").page
    painted = page.get_by_text("✓ correct: painted", exact=True)
    assert painted.count() >= 1
    for one in painted.all():
        box = one.locator(
            "xpath=ancestor::*[contains(@class,'theirs') or contains(@style,'contain')][last()]"
        )
        assert "paint" in box.evaluate("it => getComputedStyle(it).contain")
        said = box.evaluate("it => (it.closest('section, .vit-theirs, .panel') || it).innerText")
        assert re.match(r"(Output of|Your answer|A text of|Student's answer)", said.strip()), said[:80]
    green = page.get_by_text("✓ correct: painted over").first
    assert green.evaluate("it => getComputedStyle(it).marginTop") == "0px"


def test_a_pasted_picture_is_there(either):
    page = either("ada").page
    picture = page.get_by_role("img", name="edge")
    assert picture.evaluate("it => it.complete && it.naturalWidth") == 1
    assert page.get_by_text("Head 2 looks at the edge.").is_visible()


@pytest.mark.parametrize("who", ["eve"])
def test_what_slipped_through_would_meet_the_policy(either, who, page):
    """The second wall by itself: the page with the hostile texts put into it as they are."""

    def spoilt(route):
        answer = route.fetch() if route.request.url.startswith("http") else None
        path = Path(urlsplit(route.request.url).path)
        body = answer.text() if answer else path.read_text("utf-8")
        body = body.replace("</body>", "".join(texts.HTML[:9] + texts.HTML[11:16]) + "</body>")
        more = {"response": answer} if answer else {"content_type": "text/html"}
        route.fulfill(body=body, **more)

    page.route(re.compile(rf"submissions/[^/?]+/(\?|$)|{NAME}\.html"), spoilt)
    watched = either(who)
    assert any(
        "Content Security Policy" in said or "Content-Security-Policy" in said for said in watched.said
    )
    assert watched.page.evaluate("window.pwned") is None and watched.dialogs == watched.left == []


def test_formgraders_own_scripts_work_under_the_policy(formgrader):
    watched = formgrader("ada")
    assert [said for said in watched.said if "Security" in said] == []
    page = watched.page
    assert page.locator("a.name-shown").first.is_hidden()
    page.locator("span.glyphicon-eye-open").click()
    assert page.locator("a.name-shown").first.is_visible()
    page.wait_for_function("window.formgrader?.grades?.loaded && window.formgrader?.comments?.loaded")
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        page.locator(f"#{QUESTION}").fill("2.5")
        page.locator(f"#{QUESTION}").blur()
