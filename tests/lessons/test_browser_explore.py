"""`show.explore` and the pictures with a slider in a real browser: on a page as sites and saved notebooks have it, and in JupyterLab."""

import os
import sys
from unittest import mock

import matplotlib
import nbformat
import pytest
import torch
from nbformat import v4

from helpers import assemble, data, show
from helpers.figures import explore, frame, moving
from tests.lab import OpenNotebook, at_home, copy_course, jupyterlab

KINDS = ("explore", *moving.NAMES)
SOURCE = """\
import torch
from helpers import assemble, data, show
torch.manual_seed(0)
vit = assemble.ViT(depth=2)
show.explore(vit, data.photo("china", size=32), class_names="abcdefghij", mean=0.5, std=0.5)"""


@pytest.fixture(scope="module")
def outputs():
    """What stands in the notebook, by kind."""
    torch.manual_seed(0)
    photo = data.photo("china", size=32)
    found = explore.look(assemble.ViT(depth=2), photo, mean=0.5, std=0.5)
    still = '<figure><img src="data:," alt="the still figure"></figure>'
    made = {"explore": frame.framed(still, explore.page(found, photo, "abcdefghij"))}
    for name in moving.NAMES:
        with mock.patch.object(moving, "put") as put:
            show.moving(name)
        made[name] = put.call_args.args[1]
    return made


@pytest.fixture
def static(outputs, tmp_path):
    """A page with one output, and nothing of a notebook around it."""

    def write(kind, theme="light"):
        path = tmp_path / f"{kind}.html"
        body = f"<main><h1>A saved notebook</h1>{outputs[kind]}</main>"
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A page</title>'
        )
        path.write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><head>{head}</head><body>{body}</body></html>',
            "utf-8",
        )
        return path

    return write


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_and_nothing_is_asked_for(static, browser, kind, theme):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(
        color_scheme="light", reduced_motion="reduce", viewport={"width": 390, "height": 800}
    )
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    path = static(kind, theme)
    page.goto(path.as_uri())
    inside = page.frame_locator("iframe")
    inside.locator("main").wait_for()
    assert not page.locator("figure").is_visible()
    assert [
        url for url in asked if not url.startswith(("data:", "about:", "blob:")) and url != path.as_uri()
    ] == []
    dark = page.frames[1].evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 17, 17)"
    assert dark == (theme == "dark"), "as the page around it, not as the system"
    for frame_ in page.frames:
        assert frame_.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        # the page's own heading, which a frame looked at alone cannot know of
        found = Axe().run(frame_, options={"rules": {"page-has-heading-one": {"enabled": False}}})
        assert found.violations_count == 0, found.generate_report()
        incomplete = [each for each in found.response["incomplete"] if each["id"] == "color-contrast"]
        nodes = [node["html"] for each in incomplete for node in each["nodes"]]
        # text of an SVG, whose ground axe does not know: it is ink on paper
        assert [html for html in nodes if not html.startswith("<text")] == []
    context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_without_scripts_the_still_figure_stands(static, browser, kind):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(static(kind).as_uri())
    assert page.locator("figure img").is_visible()
    assert not page.locator("iframe").is_visible()
    context.close()


def use(inside):
    """Choose patches, heads and blocks by pointer and keyboard; what is said follows."""
    from playwright.sync_api import expect

    summary, maps = inside.locator("#summary"), "canvas => canvas.toDataURL()"
    patch = inside.locator("[role=gridcell]")
    expect(summary).to_contain_text("Block 1, the class token: head ")
    token = inside.get_by_role("button", name="The class token")
    expect(token).to_have_attribute("aria-pressed", "true")
    first = inside.locator("#heads canvas").first
    before = first.evaluate(maps)
    patch.nth(9).click()
    expect(summary).to_contain_text("Block 1, the patch in row 1, column 1: ")
    expect(token).to_have_attribute("aria-pressed", "false")
    assert first.evaluate(maps) != before
    for key, place in (
        ("ArrowRight", "row 1, column 2"),
        ("ArrowDown", "row 2, column 2"),
        ("Home", "row 2, column 0"),
    ):
        inside.locator(":focus").press(key)
        expect(summary).to_contain_text(f"the patch in {place}: ")
    expect(patch.nth(16)).to_have_attribute("aria-selected", "true")
    expect(patch.nth(16)).to_be_focused()
    inside.get_by_label("Block", exact=True).press("ArrowLeft")
    expect(summary).to_contain_text("Block 0, the patch in row 2, column 0: ")
    expect(inside.locator("tr[aria-current=true] th")).to_have_text("block 0")
    inside.get_by_role("button", name="next block").press("Enter")
    expect(summary).to_contain_text("Block 1, ")
    head = inside.get_by_role("button", name="head 2")
    head.press("Enter")
    expect(head).to_have_attribute("aria-pressed", "true")
    token.click()
    expect(summary).to_contain_text("Block 1, the class token: ")


def test_it_is_explored_on_a_page(static, page):
    page.goto(static("explore").as_uri())
    use(page.frame_locator("iframe"))
    assert page.locator("iframe").bounding_box()["height"] > 400, "as high as what is in it"


def test_the_sliders_move_the_pictures(static, page):
    from playwright.sync_api import expect

    page.goto(static("clocks").as_uri())
    inside = page.frame_locator("iframe")
    inside.get_by_role("slider").press("ArrowRight")
    expect(inside.locator("#summary")).to_contain_text(
        "[−0.279, 0.960, 0.565, 0.825, 0.060, 0.998, 0.006, 1.000]"
    )
    page.goto(static("softmax").as_uri())
    inside.get_by_role("button", name="not divided").click()
    expect(inside.locator(".share")).to_have_text(["0.982", "0.018", "0.000", "0.000", "0.000"])
    inside.get_by_role("slider").press("End")
    expect(inside.locator("#summary")).to_contain_text("Divided by 64, ")


def test_the_pipeline_can_be_stopped_and_stands_still_where_motion_is_unwanted(static, page):
    from playwright.sync_api import expect

    inside = page.frame_locator("iframe")
    page.goto(static("pipeline").as_uri())
    inside.get_by_role("button", name="Stop").click()
    inside.get_by_role("button", name="Run").wait_for()
    page.emulate_media(reduced_motion="reduce")
    page.goto(static("pipeline").as_uri())
    expect(inside.get_by_role("button", name="Run")).to_be_visible()
    faint = "document.getAnimations().every(move => getComputedStyle(move.effect.target).opacity === '1')"
    assert page.frames[1].evaluate(faint), "all of it stands there"
    inside.get_by_label("Seconds").press("ArrowRight")
    assert page.frames[1].evaluate("document.getAnimations()[0].currentTime") == 100


@pytest.fixture(scope="module")
def lab(browser, outputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    course = copy_course(folder / "course")
    cell = v4.new_code_cell(
        SOURCE, outputs=[v4.new_output("display_data", data={"text/html": outputs["explore"]})]
    )
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), course / "saved.ipynb")
    env = at_home(folder / "home") | {
        "PYTHONPATH": str(course),
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
        "MPLCONFIGDIR": matplotlib.get_configdir(),
    }
    with jupyterlab(course, env, "--old-file=.venv/.lab") as running:
        yield running


def test_it_is_explored_in_jupyterlab(lab, page, tmp_path):
    page.goto(f"{lab.url}lab/tree/saved.ipynb?token={lab.token}")
    page.add_locator_handler(
        page.get_by_text("Would you like to get notified about official Jupyter news?"),
        lambda: page.get_by_role("button", name="No", exact=True).click(),
    )
    open_notebook = OpenNotebook(page)
    open_notebook.ready()
    output = open_notebook.output("show.explore")
    output.locator("figure img").wait_for(state="attached")
    assert output.locator("iframe").count() == 0, (
        "somebody else's notebook is not trusted: the still figure stands"
    )
    open_notebook.run("show.explore")
    inside = output.frame_locator("iframe")
    inside.locator("main").wait_for()
    assert not output.locator("figure").is_visible()
    use(inside)
    page.screenshot(
        path=os.path.join(os.environ.get("VIT_SCREENSHOTS") or tmp_path, "explore-in-jupyterlab.png")
    )
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    inside.locator(":root[data-theme=dark]").wait_for()
