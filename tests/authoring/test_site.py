"""The course site: every page and link is there, figures have words, and students find no answers."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from course.authoring import site
from course.authoring.build import ROOT, lessons
from tests import notebooks

NAME = "q6_residual_block"
BADGES = ("colab.research.google.com", "kaggle.com", "mybinder.org", "github.com")


def made(folder: Path, *arguments: str) -> Path:
    """`site.build(folder, ...)` in a process of its own: Sphinx changes what it is imported into."""
    code = f"from pathlib import Path; from course.authoring import site; site.build(Path({str(folder)!r}), {', '.join(arguments)})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The students' site with all pages, not run (that takes minutes)."""
    return made(tmp_path_factory.mktemp("whole") / "site", "run=False")


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """The instructors' site of one notebook, run."""
    return made(tmp_path_factory.mktemp("solved") / "site", "solutions=True", f"names=[{NAME!r}]")


def pages(folder: Path) -> dict[Path, BeautifulSoup]:
    return {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts
    }


def test_a_page_for_every_lesson_in_the_order_of_the_course(whole):
    assert (whole / ".nojekyll").exists()
    index = BeautifulSoup((whole / "index.html").read_text("utf-8"), "html.parser")
    side = [a["href"] for a in index.select(".bd-sidebar-primary a[href*='notebooks/']")]
    assert side == [f"notebooks/{p.parent.name}/{p.stem}.html" for p in lessons()]
    captions = [c.get_text() for c in index.select(".bd-sidebar-primary .caption-text")]
    assert captions[1:3] == ["Part 2 · Build a ViT", "Part 3 · Train on CIFAR-10"]
    for path in lessons():
        page = BeautifulSoup(
            (whole / f"notebooks/{path.parent.name}/{path.stem}.html").read_text("utf-8"), "html.parser"
        )
        assert page.find("h1") and page.html["lang"] == "en"


@pytest.mark.parametrize("which", ["whole", "solved"])
def test_every_link_and_picture_is_there(which, request):
    folder = request.getfixturevalue(which)
    found = pages(folder)
    ids = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in found.items()}
    for path, page in found.items():
        for tag in page.find_all(["a", "img", "link", "script"]):
            link = urlsplit(tag.get("href") or tag.get("src") or "")
            if link.scheme or link.netloc or not (link.path or link.fragment):
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path.name}: {link.geturl()}"
            if link.fragment and target in ids:
                assert unquote(link.fragment) in ids[target], f"{path.name}: {link.geturl()}"
        for image in page.select("article img"):
            assert len(image.get("alt", "")) > 3, f"{path.name}: {image}"


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("path", notebooks.SOLUTIONS, ids=lambda p: p.stem)
def test_students_find_no_answer(path, whole):
    texts = [
        squeezed(
            file.read_text("utf-8")
            if file.suffix == ".ipynb"
            else BeautifulSoup(file.read_text("utf-8"), "html.parser").get_text()
        )
        for file in whole.rglob("*")
        if file.name.startswith(path.stem + ".") and file.suffix in (".html", ".ipynb", ".txt")
    ]
    assert len(texts) >= 2, "the page and the notebook to download"
    release = squeezed(
        "\n".join(c.source for c in notebooks.read(ROOT / "notebooks" / path.parent.name / path.name).cells)
    )
    for key in notebooks.exercises_of(path):
        for stub, line in notebooks.blanks(key).items():
            answer = squeezed(line.split("# blank")[0])
            assert answer not in release
            assert any(squeezed(stub) in text for text in texts), stub
            assert not any(answer in text for text in texts), line


def test_solutions_are_run_and_their_figures_described(solved):
    page = BeautifulSoup((solved / f"notebooks/2_build_a_vit/{NAME}.html").read_text("utf-8"), "html.parser")
    text = page.get_text()
    assert "x + self.fn(x, **kwargs)" in text and "✓ correct" in text
    figures = page.select("article .cell_output img[src*='_images/']")
    assert figures and all(" " in figure["alt"] for figure in figures)
    assert "for instructors only" in (solved / "index.html").read_text("utf-8")


@pytest.mark.parametrize("which", ["whole", "solved"])
def test_who_clicks_next_sees_every_page(which, request, page):
    folder = request.getfixturevalue(which)
    wrong, seen, elsewhere = [], [], set()
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("requestfailed", lambda asked: wrong.append(f"{page.url}: {asked.url}"))
    page.on("request", lambda asked: elsewhere.add(urlsplit(asked.url).netloc))
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))
    page.goto((folder / "index.html").as_uri())
    while True:
        page.wait_for_load_state("load")
        seen.append(Path(unquote(urlsplit(page.url).path)))
        assert page.locator("article h1").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
        empty = (
            "[...document.images].filter(i => i.src.startsWith('file:') && !i.naturalWidth).map(i => i.src)"
        )
        wrong += [f"{page.url}: {image} shows nothing" for image in page.evaluate(empty)]
        following = page.locator("a.right-next")
        if not following.count():
            break
        following.click()
    assert not wrong
    assert elsewhere <= {"", *BADGES}, "the badges' pictures alone"
    unseen = {"genindex.html", "search.html"}
    assert {path.resolve() for path in pages(folder) if path.name not in unseen} == {
        p.resolve() for p in seen
    }


def test_the_search_finds_a_lesson(whole, page):
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))
    page.goto((whole / "search.html").as_uri() + "?q=pre-norm")
    page.locator("#search-results a", has_text="encoder").first.wait_for()


def test_a_notebook_that_does_not_run_is_named(monkeypatch, tmp_path):
    nb = notebooks.read(notebooks.SOLUTIONS[0])
    nb.cells = nb.cells[:1]
    nb.cells.append(notebooks.nbformat.v4.new_code_cell("1 / 0"))
    with pytest.raises(site.SiteError, match=r"(?s)q0 does not run: .*ZeroDivisionError"):
        site.execute(nb, "q0")


def test_an_unknown_notebook_is_told_what_there_is(tmp_path):
    with pytest.raises(site.SiteError, match="No notebook q9; there are word_embedding, "):
        site.sources(tmp_path, False, ["q9"], run=False)


def test_links_of_docs_lead_to_pages_or_to_the_repository():
    text = site.absolute("[a](../README.md) [b](how-grading-works.md) [c](https://x.org) [d](#here)")
    assert re.fullmatch(
        r"\[a\]\(https://\S+/blob/v[\d.]+/README\.md\) \[b\]\(https://\S+/docs/how-grading-works\.md\) \[c\]\(https://x\.org\) \[d\]\(#here\)",
        text,
    )
