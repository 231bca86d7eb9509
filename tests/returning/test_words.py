"""A student's words as a page shows them."""

import time

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell

from course.returning import words
from tests.returning import texts

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
ACTING = "script style iframe object embed form input button link meta base svg video audio source template noscript".split()


def shown(source, **more) -> BeautifulSoup:
    return BeautifulSoup(words.own(source, **more)[0], "html.parser")


@pytest.mark.parametrize(("sent", "seen"), texts.WRITTEN)
def test_what_was_written_is_read(sent, seen):
    page = shown(sent)
    if seen.startswith("<blockquote"):
        assert page.find("blockquote") is not None
    else:
        assert "".join(seen.split()) in "".join(page.text.split())


@pytest.mark.parametrize(
    "text", [*texts.HTML, *texts.MARKDOWN, *(f"a line with {html}" for html in texts.HTML)]
)
def test_nothing_in_it_acts_or_loads(text):
    page = shown(text)
    assert page.find_all(ACTING) == []
    for tag in page.find_all(True):
        assert not [
            name
            for name in tag.attrs
            if name.startswith("on") or name in ("id", "name", "srcset", "ping", "background")
        ]
        assert tag.get("href", "https:").startswith(("http:", "https:", "mailto:"))
        assert tag.get("src", "data:image/").startswith("data:image/")
        assert "url" not in tag.get("style", "") and "position" not in tag.get("style", "")
        assert "-3000" not in tag.get("style", "") and set(tag.get("class", ["highlight"])) <= {
            "highlight",
            *words.sanitise.CLASSES["span"],
        }


def test_a_pasted_picture_stays_and_any_other_leaves_its_words():
    page = shown(
        "![edge](attachment:a.png) ![gone](attachment:b.png)", attachments={"a.png": {"image/png": DOT}}
    )
    assert [tag["alt"] for tag in page.find_all("img")] == ["edge"] and "gone" in page.text


def test_code_keeps_its_colours():
    assert shown("```python\nif a < b: pass\n```").find("span", class_="k").text == "if"


@pytest.mark.parametrize(
    "source", ["[" * 50_000, "<b>" * 30_000 + "</b>", "$" + "{" * 3_000 + "$", "> " * 5_000 + "x"]
)
def test_a_text_that_is_too_much_work_is_shown_as_it_was_written(source):
    cell = new_markdown_cell(source, id="extra-1")
    made = words.markdown2html({"cell": cell}, source)
    assert BeautifulSoup(made, "html.parser").text.strip()


def test_a_text_of_nobodys_is_taken_for_a_students():
    assert "<script" not in words.markdown2html({}, "<script>alert(1)</script>")


def test_a_formula_that_cannot_be_read_is_shown_as_it_is():
    page = words.Words()
    assert page.inline_math("\\left( <x>") == "<code>\\left( &lt;x&gt;</code>"
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"' in page.block_math("x^2")


@pytest.mark.parametrize("command", ["text", "textbf", "texttt", "mbox"])
def test_a_formula_shows_no_backslash(command):
    formula = words.Words().inline_math(rf"\sqrt{{\{command}{{head\_dim, 5\% of \#1}}}}")
    assert "".join(BeautifulSoup(formula, "html.parser").text.split()) == "head_dim,5%of#1"


def test_headings_never_skip_a_level():
    page = words.Words(words.TOP)
    assert [page.heading("x", level)[1:3] for level in (1, 4, 2, 6)] == ["h3", "h4", "h4", "h5"]
    assert words.Words().heading("x", 4).startswith("<h4")


@pytest.mark.parametrize(
    "text",
    ["\x1b[38mred<", "\x1b[48;5mred<", "\x1b[31mred<" * 160_000, f"\x1b[{';' * 900_000}mred<", "\x1b[\nred<" * 200_000],
    ids=["half a colour", "half a background", "160,000 colours", "900,000 numbers", "200,000 open codes"],
)  # fmt: skip
def test_colours_of_an_output_take_no_time_and_never_fail(text):
    begun = time.process_time()
    assert words.ansi2html(text).count("red&lt;") == text.count("red<")
    assert time.process_time() - begun < 2


def test_colours_stay():
    assert words.ansi2html("\x1b[31m<\x1b[0m") == '<span class="ansi-red-fg">&lt;</span>'


def test_code_that_is_too_much_work_is_shown_as_it_was_written():
    source, begun = "\n".join([" " * 1_000] * 190 + ["x = 1 < 2"]), time.process_time()
    made = words.highlight_code({}, source)
    assert time.process_time() - begun < 1 and "x = 1 &lt; 2" in made and "<span" not in made
    assert '<span class="n">x</span>' in words.highlight_code({}, "x = 1 < 2")


def test_the_texts_of_a_page_have_a_limit_together(monkeypatch):
    page, spent = {"resources": {}}, iter([0, 0, 1, 19, 1, 21, 1, 40])
    monkeypatch.setattr(words.bounded, "spent", lambda: next(spent))
    assert "<span" in words.highlight_code(page, "x = 1")
    assert "<em>" in words.markdown2html(page, "*here*")
    assert "<span" not in words.highlight_code(page, "x = 1")
    assert "<em>" not in words.markdown2html(page, "*here*")
