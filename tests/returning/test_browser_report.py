"""The class report in a real browser: axe finds nothing, no request leaves the page, it fits a phone, and it prints."""

import pytest

from tests.returning.classroom import PART
from tests.returning.test_report import made  # noqa: F401  a fixture


@pytest.fixture
def opened(made, page):  # noqa: F811
    made = made / "report" / PART / "index.html"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(made.as_uri())
    assert asked == [made.as_uri()]
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_to_mend_and_nothing_is_wider_than_the_screen(opened, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(color_scheme=scheme)
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()
    assert found.response["incomplete"] == []
    for wide in ["html", *[f".wide >> nth={number}" for number in range(opened.locator(".wide").count())]]:
        assert opened.locator(wide).evaluate("it => it.scrollWidth <= it.clientWidth"), wide


def test_the_longest_red_bar_is_the_hardest_blank(opened):
    first = opened.get_by_role("region", name="Hardest first").get_by_role("listitem").nth(5)
    assert "ResidualAdd" in first.text_content()
    wrong, whole = (first.locator(f"rect.{kind}").bounding_box()["width"] for kind in ("wrong", "none"))
    assert wrong / whole == pytest.approx(4 / 27, abs=0.01)


def test_it_prints(opened):
    opened.emulate_media(media="print", color_scheme="dark")
    opened.set_viewport_size({"width": 680, "height": 1000})  # A4 less its margins
    assert opened.evaluate("document.documentElement.scrollWidth") <= 680
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not opened.get_by_role("navigation").is_visible()
    assert opened.pdf(format="A4").startswith(b"%PDF")
