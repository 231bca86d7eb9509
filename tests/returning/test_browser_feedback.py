"""Feedback pages in a real browser: axe finds nothing, no request leaves the page, and it prints."""

import pytest

from tests import pages

pytestmark = pytest.mark.grading


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return pages.make(tmp_path_factory.mktemp("feedback"))


@pytest.fixture
def opened(page):
    """Opens a file; whatever else the page asks for is remembered."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    def go(path):
        page.goto(path.as_uri())
        page.wait_for_load_state("load")
        return [url for url in asked if not url.startswith("data:") and url != path.as_uri()]

    return go


@pytest.mark.parametrize("student", pages.STUDENTS)
@pytest.mark.parametrize("name", [pages.Q1, pages.INSIDE])
@pytest.mark.parametrize(("scheme", "width", "unfolded"), [("light", 1280, True), ("dark", 390, False)])
def test_axe_finds_nothing_to_mend(made, page, opened, student, name, scheme, width, unfolded):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    assert opened(made[student][name]) == []
    assert page.locator("details.given").count() > 0
    if unfolded:
        page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
    # axe takes no notice of MathML, which screen readers read: a header that is a formula is empty to it
    found = Axe().run(page, options={"rules": {"empty-table-header": {"enabled": False}}})
    assert [th for th in page.locator("th").all_text_contents() if not th.strip()] == []
    assert found.violations_count == 0, found.generate_report()


def test_a_link_of_the_summary_leads_to_the_blank(made, page, opened):
    opened(made["ben"][pages.Q1])
    page.get_by_role("link", name="getPositionEncoding").focus()
    page.keyboard.press("Enter")
    result = page.get_by_role("region", name="Result of check_q1_position_encoding")
    assert page.url.endswith("#check_q1_position_encoding")
    assert 0 <= result.bounding_box()["y"] < 950
    assert page.get_by_role("table", name="expected: P").is_visible()


def test_code_keeps_its_indentation_on_a_phone(made, page, opened):
    page.set_viewport_size({"width": 390, "height": 900})
    opened(made["ben"][pages.Q1])
    code = page.locator("section.answer .highlight pre").first
    assert code.evaluate("it => it.getClientRects().length") == 1
    assert code.evaluate("it => getComputedStyle(it).whiteSpace") == "pre"


@pytest.mark.parametrize("width", [390, 1300])
def test_nothing_is_wider_than_the_screen(made, page, opened, width):
    page.set_viewport_size({"width": width, "height": 900})
    opened(made["ben"][pages.Q1])
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints(made, page, opened):
    opened(made["ben"][pages.Q1])
    page.emulate_media(media="print")
    assert not page.get_by_text("to the top").first.is_visible()
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
