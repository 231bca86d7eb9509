"""The course site: every page and link is there, figures have words, and students find no answers."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course.authoring import badges, pages
from course.authoring.build import ROOT, lessons, solutions, start, titled
from course.notebook.blanks import unmarked
from helpers.check import WAITS
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
def given(tmp_path_factory):
    """The students' site of one notebook, run."""
    return made(tmp_path_factory.mktemp("given") / "site", f"names=[{NAME!r}]")


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """The instructors' site of one notebook, run."""
    return made(tmp_path_factory.mktemp("solved") / "site", "solutions=True", f"names=[{NAME!r}]")


def read(folder: Path) -> dict[Path, BeautifulSoup]:
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
    found = read(folder)
    ids = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in found.items()}
    for path, page in found.items():
        for tag in page.find_all(["a", "img", "link", "script", "source"]):
            link = urlsplit(tag.get("href") or tag.get("src") or tag.get("srcset") or "")
            if link.scheme or link.netloc or not (link.path or link.fragment):
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path.name}: {link.geturl()}"
            if link.fragment and target in ids:
                assert unquote(link.fragment) in ids[target], f"{path.name}: {link.geturl()}"
        for image in page.select("article img"):
            assert len(image.get("alt", "")) > 3, f"{path.name}: {image}"


def test_formulas_show_no_command(whole):
    shown = [
        text
        for page in read(whole).values()
        for math in page.find_all("math")
        for text in math.stripped_strings
    ]
    assert len(shown) > 500 and [text for text in shown if "\\" in text] == []


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
    given = {squeezed(line) for cell in notebooks.read(path).cells for line in unmarked(cell.source)}
    for key in notebooks.exercises_of(path):
        for stub, line in notebooks.blanks(key).items():
            answer = squeezed(line.split("# blank")[0])
            if answer in given:
                continue  # a line that the notebook itself shows elsewhere, and only its place is the answer
            assert answer not in release
            assert any(squeezed(stub) in text for text in texts), stub
            assert not any(answer in text for text in texts), line


def test_solutions_are_run_and_their_figures_described(solved):
    page = BeautifulSoup((solved / f"notebooks/2_build_a_vit/{NAME}.html").read_text("utf-8"), "html.parser")
    text = page.get_text()
    assert "x + self.fn(x, **kwargs)" in text and "✓ correct" in text
    figures = page.select("article .cell_output figure img[src*='_static/figures/']")
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
    assert {path.resolve() for path in read(folder) if path.name not in unseen} == {p.resolve() for p in seen}


def test_the_search_finds_a_lesson(whole, page):
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))
    page.goto((whole / "search.html").as_uri() + "?q=pre-norm")
    page.locator("#search-results a", has_text="encoder").first.wait_for()


def test_a_notebook_that_does_not_run_is_named(monkeypatch, tmp_path):
    nb = notebooks.read(notebooks.SOLUTIONS[0])
    nb.cells = nb.cells[:1]
    nb.cells.append(notebooks.nbformat.v4.new_code_cell("1 / 0"))
    with pytest.raises(pages.SiteError, match=r"(?s)q0 does not run: .*ZeroDivisionError"):
        pages.execute(nb, "q0")


def test_an_unknown_notebook_is_told_what_there_is(tmp_path):
    with pytest.raises(pages.SiteError, match="No notebook q9; there are word_embedding, "):
        pages.sources(tmp_path, False, ["q9"], run=False)


@pytest.mark.parametrize(
    ("link", "file", "leads"),
    [
        ("../README.md#the-notebooks", "docs/students.md", "../index.md#the-notebooks"),
        ("../helpers/diagrams/cheat_sheet.svg", "docs/students.md", "../cheat_sheet.md"),
        ("how-grading-works.md", "docs/students.md", "{}/docs/how-grading-works.md"),
        ("LICENSE", "README.md", "{}/LICENSE"),
        ("docs/students.md", "README.md", "docs/students.md"),
        ("q2.ipynb", "notebooks/2/q1.ipynb", "q2.ipynb"),
        ("../1/a.ipynb#x", "notebooks/2/q1.ipynb", "{}/notebooks/1/a.ipynb#x"),
        ("https://x.org", "README.md", "https://x.org"),
        ("#here", "README.md", "#here"),
    ],
)
def test_a_link_leads_to_a_page_or_to_the_repository(link, file, leads):
    there = [*pages.PAGES.values(), "notebooks/2/q1.ipynb", "notebooks/2/q2.ipynb"]
    blob = f"{badges.repository()}/blob/{badges.tag()}"
    assert pages.linked(f"[a]({link})", file, there) == f"[a]({leads.format(blob)})"


# --- cells that wait for an answer ----------------------------------------------------------------


def ran(source: str, *texts: str):
    outputs = [
        new_output("display_data", {"text/plain": text, "text/html": f"<p>{text}</p>"}) for text in texts
    ]
    return new_code_cell(source, id="cell", outputs=outputs)


@pytest.mark.parametrize(
    ("theirs", "shown"),
    [
        (["3 &lt; 4", "a figure"], "3 &lt; 4"),
        (["E = Q @ K.T, says the cell"], WAITS),  # it tells the answer
        (["E&nbsp;=&nbsp;Q @ K.T"], WAITS),
        (["tiles", "its shape is (60, 120)"], WAITS),  # a number that was asked for
        (["Sequential(Rearrange('b n -> n b'))"], WAITS),
        (["E is 2.5"], "E is 2.5"),
    ],
)
def test_a_cell_that_waits_shows_what_the_solution_shows_but_no_answer(theirs, shown):
    lines = ("E = Q @ K.T", '"tiles": (60, 120),', 'return Rearrange("b n -> n b")', "x = b")
    answer = new_code_cell("\n".join(f"{line}  # blank: ..." for line in lines), id="answer")
    given = new_notebook(cells=[ran("if check.ready():", f"This cell: {WAITS} (now: x).")])
    pages.lend(given, new_notebook(cells=[answer, ran("if check.ready():", *theirs)]))
    texts = [output.data["text/plain"] for output in given.cells[0].outputs]
    assert any(shown in text for text in texts) and (WAITS in "".join(texts)) == (shown == WAITS)


def test_the_students_site_shows_figures_in_place_of_waiting(given):
    text = (given / f"notebooks/2_build_a_vit/{NAME}.html").read_text("utf-8")
    assert WAITS not in text and text.count(pages.LENT) >= 1
    assert "not attempted" in text and "x + self.fn(x, **kwargs)" not in text
    figures = BeautifulSoup(text, "html.parser").select("article .cell_output figure img")
    assert figures and all(" " in figure["alt"] for figure in figures)


# --- seen by eyes, and by others -------------------------------------------------------------------

# axe cannot tell the contrast of these: one letter, no letter, half out of a box that scrolls
UNTOLD = {"shortTextContent", "nonBmp", "elmPartiallyObscured"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ["index", "docs/students", "cheat_sheet", f"notebooks/2_build_a_vit/{NAME}"])
def test_axe_finds_nothing_to_mend_nor_contrast_that_it_cannot_tell(name, width, scheme, given, page):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))
    page.goto((given / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.add_style_tag(content="* { transition: none !important }")  # colours half-way to the other theme
    # axe takes no notice of MathML: a header that is a formula is empty to it
    found = Axe().run(page, options={"rules": {"empty-table-header": {"enabled": False}}})
    assert [th for th in page.locator("th").all_text_contents() if not th.strip()] == []
    assert found.violations_count == 0, found.generate_report()
    unsure = [
        node
        for rule in found.response["incomplete"]
        if rule["id"] == "color-contrast"
        for node in rule["nodes"]
    ]
    told = [node for node in unsure if not {any_["data"]["messageKey"] for any_ in node["any"]} <= UNTOLD]
    assert told == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_code_in_a_panel_can_be_read_in_the_dark(given, page):
    page.emulate_media(color_scheme="dark")
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))
    page.goto((given / f"notebooks/2_build_a_vit/{NAME}.html").as_uri())
    panel = page.locator(".cell_output div", has_text="not attempted").locator("code").first
    colours = panel.evaluate("""code => {
        const behind = e => { const c = getComputedStyle(e).backgroundColor; return c == "rgba(0, 0, 0, 0)" ? behind(e.parentElement) : c }
        return [getComputedStyle(code).color, behind(code)] }""")
    light, dark = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert light > 450 > 250 > dark, colours


def test_a_drawing_opens_large(given, page):
    page.goto((given / "cheat_sheet.html").as_uri())
    assert page.locator("article a > img").get_attribute("alt").startswith("From picture to answer")
    page.locator("article a", has_text="Open it alone").click()
    assert page.url.endswith("/_images/cheat_sheet.svg")
    drawings = [p.read_text("utf-8") for p in (given / "_static/figures").glob("*.svg")]
    assert drawings and any("you are here" in drawing for drawing in drawings)
    html = (given / f"notebooks/2_build_a_vit/{NAME}.html").read_text("utf-8")
    assert "data:image/" not in html
    assert len(set(re.findall(r'<a href="../../_static/figures/\w+\.(svg|png)"><img src', html))) == 2
    notebook = next((given / "_sources").rglob(f"{NAME}.ipynb")).read_text("utf-8")
    assert "data:image/svg" in notebook, "who downloads it has it whole"


def test_who_wants_no_motion_sees_a_drawing_that_stands(whole, page):
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))
    for motion, name in (("reduce", "vit_pipeline"), ("no-preference", "vit_in_motion")):
        page.emulate_media(reduced_motion=motion)
        page.goto((whole / "index.html").as_uri())
        drawing = page.locator("article picture > img")
        assert drawing.evaluate("image => image.currentSrc").endswith(f"/_static/{name}.svg")
        assert drawing.evaluate("image => image.naturalWidth") > 0


def test_the_front_page_says_where_to_begin(whole):
    lesson = start()
    front = BeautifulSoup((whole / "index.html").read_text("utf-8"), "html.parser")
    title, _ = titled(solutions()[lesson])
    (first,) = [p for p in front.select("article p") if p.get_text().startswith("Start here")]
    assert title in first.get_text()
    assert first.a["href"] == f"notebooks/{lesson.parent.name}/{lesson.stem}.html"
    assert front.select_one("article a[href*='colab.research']")["href"] == badges.colab(
        lesson.parent.name, lesson.stem
    )


def test_a_link_to_a_page_can_show_what_it_is(whole):
    described = set()
    for path, page in read(whole).items():
        told = {
            tag.get("name") or tag.get("property"): tag["content"] for tag in page.select("meta[content]")
        }
        described.add(told["description"])
        assert told["og:description"] == told["description"] and len(told["description"]) >= 30, path
        assert told["og:image"].endswith("/_static/card.png") and told["og:title"]
        assert (path.parent / page.select_one("link[rel*='icon']")["href"]).exists()
    assert (whole / "_static/card.png").exists()
    assert len(described) >= len(lessons())
