"""The map of where two arrays differ: what it says, what it holds, how large it gets."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers.checks import draw
from helpers.checks.differences import MOST, differences


def made(seen, wanted, what="P"):
    seen, wanted = np.asarray(seen, float), np.asarray(wanted, float)
    return differences(what, seen, wanted, ~np.isclose(seen, wanted))


WANTED = np.arange(24.0).reshape(4, 6)


def off(rows=slice(None), columns=slice(None), by=1.0):
    seen = WANTED.copy()
    seen[rows, columns] += by
    return made(seen, WANTED)


@pytest.mark.parametrize(
    ("found", "reading"),
    [
        (off(), "P: all 24 entries differ (24 too large)."),
        (off(2, 3), "P: 1 of 24 entries differs (1 too large), all in row 2 and column 3."),
        (off(columns=slice(1, None, 2), by=-1), "P: 12 of 24 entries differ (12 too small), all in columns 1, 3 and 5."),
        (off(rows=slice(1, 4)), "P: 18 of 24 entries differ (18 too large), all in rows 1 to 3."),
        (off(0, 0, np.nan), "P: 1 of 24 entries differs (1 not a number), all in row 0 and column 0."),
        (made([1, 2, 3, 5], [1, 2, 3, 4]), "P: 1 of 4 entries differs (1 too large), all in place 3."),
        (made(np.zeros((2, 12)), np.tile([0, 1], (2, 6))), "P: 12 of 24 entries differ (12 too small), all in the odd columns."),
        (made(np.zeros((2, 10)), np.eye(2, 10) + np.eye(2, 10, 4) + np.eye(2, 10, 7)), "P: 6 of 20 entries differ (6 too small), all in 6 of 10 columns."),
        (made(np.zeros((2, 3, 2, 2)), np.eye(12)[:2].reshape(2, 3, 2, 2), "att"), "att[0, 0]: 1 of 4 entries differs (1 too small), all in row 0 and column 0."),
    ],
)  # fmt: skip
def test_the_reading_says_how_many_which_way_and_where(found, reading):
    assert found.reading == reading


def test_rows_hold_directions():
    found = off(slice(1, 3), 2, -0.5)
    assert found.rows == ("......", "..-...", "..-...", "......")
    assert vars(found).keys() == {"what", "shape", "rows", "reading", "values"}
    assert made(np.zeros((2, 7)), np.eye(2, 7)).values == (), "values of small tables only"


@pytest.mark.parametrize("arrays", [(1, 2), ([1, 2], [1, 3]), (WANTED, WANTED)])
def test_no_map_of_what_is_too_small_or_agrees(arrays):
    assert made(*arrays) is None


@given(
    hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=40).flatmap(
        lambda shape: hnp.arrays(float, shape, elements=st.sampled_from([0.0, 1.0, -1.0, np.nan]))
    )
)
def test_any_array_gives_a_small_picture_that_can_be_read(seen):
    found = made(seen, np.zeros(seen.shape))
    if found is None:
        return
    assert len(found.rows) <= MOST and len(set(map(len, found.rows))) == 1 and len(found.rows[0]) <= MOST
    picture = draw.svg(found)
    root = ET.fromstring(picture)
    assert len(picture) < 30_000
    assert draw.svg(found) == picture
    wide, high = int(root.get("width")), int(root.get("height"))
    places = [(int(t.get("x")), int(t.get("y"))) for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert all(0 < x <= wide and 0 < y <= high for x, y in places)
    assert set("".join(found.rows)) - {"."}, "something differs in the picture, too"


def test_one_square_for_several_entries_shows_the_wrong_one():
    seen = np.zeros((100, 60))
    seen[57, 31] = 1
    found = made(seen, np.zeros((100, 60)))
    assert "".join(found.rows).count("+") == 1
    assert "one square: 5 x 3 entries" in draw.svg(found)


def test_the_tag_carries_its_alt_text_escaped():
    seen = np.zeros((4, 7))
    seen[0, 0] = 9
    tag = draw.tag(made(seen, np.zeros((4, 7)), '<"P">'))
    assert 'alt="Map of &lt;&quot;P&quot;&gt;, 4 x 7: grey squares agree' in tag
    assert tag.count("<") == 1
    assert draw.tag(made(seen + 1, np.zeros((4, 7)))) == "", "where all differs there is nothing to see"


def test_a_small_table_is_shown_beside_the_one_that_is_expected():
    seen = WANTED.copy()
    seen[0, 1] = np.nan
    tag = draw.tag(made(seen, WANTED, '<"P">'))
    root = ET.fromstring(tag)
    assert [table.find("caption").text for table in root] == ['expected: <"P">', 'yours: <"P">']
    wanted, own = ([cell.text for cell in table.iter("td")] for table in root)
    assert wanted[:3] == ["0", "1", "2"] and own[:3] == ["0", "nan", "2"]
    bold = [[i for i, cell in enumerate(t.iter("td")) if "bold" in cell.get("style")] for t in root]
    assert bold == [[1], [1]]
