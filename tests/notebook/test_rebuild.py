"""Rebuilding: the same answers come out whatever an editor, a browser or an accident did to the notebook."""

import base64
import copy
import json
import random
import shutil

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator

from course.notebook import rebuild as module
from course.notebook.read import Unreadable, parse
from course.notebook.rebuild import answers
from tests import notebooks


def rebuild(release, data: bytes):
    return module.rebuild(release, parse(data))


PAIRS = [(notebooks.ROOT / "notebooks" / p.parent.name / p.name, p) for p in notebooks.SOLUTIONS]
Q1, Q2 = (next(pair for pair in PAIRS if q in pair[0].name) for q in ("q1_", "q2_"))
INSIDE = next(pair for pair in PAIRS if pair[0].stem == "inside_a_pretrained_vit")
PART = "2_build_a_vit"
ids = [release.stem for release, _ in PAIRS]
FUZZED = 1_000
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def of(pair):
    """release notebook, solution as plain JSON, its answers."""
    release, solution = pair
    return notebooks.read(release), json.loads(solution.read_bytes()), answers(notebooks.read(solution))


def dump(notebook) -> bytes:
    return json.dumps(notebook, ensure_ascii=False).encode()


def source(cell) -> str:
    return "".join(cell["source"])


def find(notebook, grade_id):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def code(text, **more):
    return {"cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": 1, **more}


def kinds(repairs):
    return {repair.kind for repair in repairs}


def forget(notebook, how="all"):
    """The notebook as an editor writes it that keeps no cell ids; Colab keeps them in its own metadata."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        cell_id = cell.pop("id")
        cell["metadata"] = {"id": cell_id, "outputId": "f00"} if how == "colab" else {}
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    return notebook


# --- properties of every notebook of the course ---------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=ids)
class TestEveryNotebook:
    def test_the_untouched_release_needs_no_repair(self, pair):
        release = notebooks.read(pair[0])
        clean, repairs = rebuild(release, pair[0].read_bytes())
        assert clean == release
        assert repairs == []

    def test_a_solution_keeps_every_answer_and_is_stable(self, pair):
        release, solution, right = of(pair)
        before = copy.deepcopy(release)
        clean, repairs = rebuild(release, dump(solution))
        assert answers(clean) == right
        assert repairs == []
        assert release == before, "the release was changed"
        again, _ = rebuild(release, nbformat.writes(clean).encode())
        assert again == clean

    @pytest.mark.parametrize("how", ["all", "colab"])
    def test_lost_metadata_and_ids(self, pair, how):
        release, solution, right = of(pair)
        clean, repairs = rebuild(release, dump(forget(solution, how)))
        assert answers(clean) == right
        assert kinds(repairs) == ({"matched"} if how == "all" and right else set())

    def test_lost_names_and_shuffled_cells(self, pair):
        release, solution, right = of(pair)
        lost = forget(solution)
        random.Random(1).shuffle(lost["cells"])
        clean, _ = rebuild(release, dump(lost))
        assert answers(clean) == right
        assert [c.id for c in clean.cells] == [c.id for c in release.cells]

    def test_lost_names_of_the_untouched_release(self, pair):
        release = notebooks.read(pair[0])
        clean, _ = rebuild(release, dump(forget(json.loads(pair[0].read_bytes()))))
        assert clean == release

    def test_answers_without_the_tests_and_text_around_them(self, pair):
        release, solution, right = of(pair)
        kept = {
            "cells": [c for c in solution["cells"] if c["metadata"].get("nbgrader", {}).get("solution")],
            "nbformat": 4,
        }
        clean, repairs = rebuild(release, dump(forget(kept | {"metadata": {}})))
        assert answers(clean) == right
        assert "restored" in kinds(repairs)
        assert [c.id for c in clean.cells] == [c.id for c in release.cells]


# --- what people do to cells ----------------------------------------------------------------------


@pytest.fixture
def q1():
    return of(Q1)


def test_an_edited_check_is_as_released_and_reported(q1):
    release, sent, right = q1
    find(sent, "check_q1_position_encoding")["source"] = "3.0"
    clean, repairs = rebuild(release, dump(sent))
    assert [c.source for c in clean.cells if c.id == "check_q1_position_encoding"] == [
        'check("q1_position_encoding")'
    ]
    assert [(r.kind, r.cell) for r in repairs] == [("restored", "check_q1_position_encoding")]
    assert answers(clean) == right


def test_helpers_and_imports_in_extra_cells_stay_before_the_answer(q1):
    release, sent, _ = q1
    at = sent["cells"].index(find(sent, "q1_position_encoding"))
    sent["cells"].insert(at, code("import math\n\ndef waves(x):\n    return math.sin(x)"))
    sent["cells"].append(code("print('my own experiment')"))
    clean, repairs = rebuild(release, dump(sent))
    sources = [c.source for c in clean.cells]
    names = [c.id for c in clean.cells]
    extra = [c for c in clean.cells if "extra" in c.metadata.get("tags", [])]
    assert len(extra) == 2 and all("nbgrader" not in c.metadata for c in extra)
    assert sources.index(extra[0].source) == names.index("q1_position_encoding") - 1
    assert clean.cells[-1] is extra[1] and kinds(repairs) == {"extra"}
    again, _ = rebuild(release, nbformat.writes(clean).encode())
    assert again == clean


def test_an_import_added_to_a_given_cell_is_kept_but_changes_are_not(q1):
    release, sent, _ = q1
    setup = next(c for c in sent["cells"] if "setup" in c["metadata"].get("tags", []))
    setup["source"] = (
        source(setup) + "\nimport math as m\nmine = 3\ncheck = print\nnp = None\ndef h():\n    pass\n"
    )
    clean, repairs = rebuild(release, dump(sent))
    extra = [c for c in clean.cells if "extra" in c.metadata.get("tags", [])]
    assert [c.source for c in extra] == ["import math as m\nmine = 3\n\ndef h():\n    pass"] or [
        c.source for c in extra
    ] == ["import math as m\nmine = 3\ndef h():\n    pass"]
    assert clean.cells.index(extra[0]) == 1 + [c.id for c in clean.cells].index(setup["id"])
    assert kinds(repairs) == {"restored", "extra"}


def test_the_setup_cell_of_an_older_release_adds_nothing(q1):
    release, sent, right = q1
    setup = next(c for c in sent["cells"] if "setup" in c["metadata"].get("tags", []))
    own = source(setup)[source(setup).index("import numpy") :]
    older = "import importlib\nimport subprocess\nimport sys\n\ntry:\n    import helpers.check\nexcept ImportError:\n    pip = 1\n"
    setup["source"] = f"{older}\n{own}"
    clean, repairs = rebuild(release, dump(sent))
    assert answers(clean) == right and kinds(repairs) == {"restored"}


def test_a_copy_of_the_empty_cell_does_not_beat_the_answer(q1):
    release, sent, right = q1
    stub = copy.deepcopy(find(json.loads(Q1[0].read_bytes()), "q1_position_encoding"))
    sent["cells"].append(stub | {"id": "copy"})
    clean, repairs = rebuild(release, dump(sent))
    assert answers(clean) == right
    assert kinds(repairs) == {"duplicate"} and not any(r.human for r in repairs)
    assert len(clean.cells) == len(release.cells)


def test_of_two_attempts_the_last_counts_and_somebody_is_told(q1):
    release, sent, right = q1
    answer = find(sent, "q1_position_encoding")
    at = sent["cells"].index(answer)
    first = copy.deepcopy(answer) | {"id": "older", "source": source(answer).replace("sin", "tan")}
    scratch = copy.deepcopy(answer) | {"id": "scratch", "source": "print('only trying')"}
    sent["cells"][at:at] = [first]
    sent["cells"].append(scratch)
    clean, repairs = rebuild(release, dump(sent))
    assert answers(clean) == right  # the scratch copy does not define the function
    assert [r.human for r in repairs if r.kind == "ambiguous"] == [True]
    names = [c.id for c in clean.cells]
    kept = [c.source for c in clean.cells if "extra" in c.metadata.get("tags", [])]
    assert kept == [first["source"], scratch["source"]]
    assert names.index("extra-1") < names.index("q1_position_encoding") < names.index("extra-2")


def test_a_deleted_check_and_a_deleted_answer_come_back(q1):
    release, sent, _ = q1
    for name in ("q1_position_encoding", "check_q1_position_encoding"):
        sent["cells"].remove(find(sent, name))
    clean, repairs = rebuild(release, dump(sent))
    assert answers(clean) == answers(release)
    assert {(r.kind, r.cell) for r in repairs} >= {
        ("missing", "q1_position_encoding"),
        ("restored", "check_q1_position_encoding"),
    }


def test_cells_in_another_order_and_of_another_type():
    release, sent, right = of(Q2)
    find(sent, "q2_patch_embedding")["cell_type"] = "raw"
    sent["cells"].reverse()
    clean, repairs = rebuild(release, dump(sent))
    assert answers(clean) == right
    assert kinds(repairs) == {"reordered", "retyped"}


def test_tags_outputs_kernel_and_attachments_of_the_courses_texts_stay_behind(q1):
    release, sent, _ = q1
    for cell in sent["cells"]:
        cell["metadata"]["tags"] = ["skip-execution"]
        cell["attachments"] = {"a.png": {"image/png": "AA=="}}
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}]
    sent["metadata"] = {"kernelspec": {"name": "julia-1.9"}, "widgets": {"state": []}}
    clean, repairs = rebuild(release, dump(sent))
    assert repairs == []
    assert clean.metadata == release.metadata
    assert [c.metadata for c in clean.cells] == [c.metadata for c in release.cells]
    assert len(nbformat.writes(clean)) < 50_000


def test_another_notebook_is_told_to_somebody(q1):
    release, _, _ = q1
    clean, repairs = rebuild(release, dump(forget({"cells": [code("1 + 1", id="a")]})))
    assert answers(clean) == answers(release)
    assert any(r.human and "another notebook" in r.what for r in repairs)


@pytest.mark.parametrize(
    ("mime", "data", "why"),
    [
        ("image/png", DOT, ""),
        ("image/png", [DOT[:20] + "\n", DOT[20:]], ""),
        ("image/jpeg", base64.b64encode(b"\xff\xd8\xff" + bytes(9)).decode(), ""),
        ("image/jpeg", DOT, "it is no image/jpeg"),
        ("image/svg+xml", DOT, "only PNG and JPEG are kept"),
        ("image/png", '"><script>', "it is damaged"),
        ("image/png", DOT + "A" * 4_000_000, "it has more than 2.0 MB"),
        ("image/png", {"a": 1}, "it has more than 2.0 MB"),
    ],
)
def test_a_picture_in_a_written_answer(mime, data, why):
    release, sent = written(), written("![edge](attachment:a.png)")
    sent.cells[1].attachments = {"a.png": {mime: data}}
    clean, repairs = rebuild(release, dump(sent))
    if why:
        assert (
            "attachments" not in clean.cells[1]
            and [r.human for r in repairs] == [True]
            and why in repairs[0].what
        )
    else:
        assert list(clean.cells[1].attachments) == ["a.png"] and repairs == []
        nbformat.validate(clean)
        assert rebuild(release, dump(clean))[0] == clean


def test_a_picture_that_colab_wrote_into_the_text():
    release, sent = (
        written(),
        written(f"Head 2: ![edge](data:image/png;base64,{DOT}) and ![no](data:image/png;base64,AAAA)"),
    )
    clean, repairs = rebuild(release, dump(sent))
    assert clean.cells[1].source == "Head 2: ![edge](attachment:pasted-1.png) and ![no](picture-left-out)"
    assert clean.cells[1].attachments == {"pasted-1.png": {"image/png": DOT}}
    assert [r.kind for r in repairs] == ["picture"]


def test_pictures_of_one_file_are_bounded():
    release, sent = written(), written()
    large = base64.b64encode(base64.b64decode(DOT) + bytes(1_900_000)).decode()
    sent.cells += [nbformat.v4.new_markdown_cell(f"![a](data:image/png;base64,{large})") for _ in range(5)]
    clean, _ = rebuild(release, dump(sent))
    assert sum("attachments" in cell for cell in clean.cells) <= 3


@pytest.mark.parametrize(
    "attached",
    [{"x" * 9_000_000: {"image/png": DOT}}, {str(n): {"image/png": DOT} for n in range(20_000)}],
    ids=["a name of 9 MB", "20,000 of one dot"],
)
def test_names_of_pictures_are_bounded_too(attached):
    sent = written()
    sent.cells[1].attachments = attached
    clean, repairs = rebuild(written(), dump(sent))
    assert "attachments" not in clean.cells[1] and "MB" in repairs[0].what


def test_a_picture_named_by_half_a_character_can_be_written():
    sent = written("![edge](attachment:\ud800.png)")
    sent.cells[1].attachments = {"\ud800.png": {"image/png": DOT}}
    clean, _ = rebuild(written(), json.dumps(sent).encode())
    assert "(attachment:\N{REPLACEMENT CHARACTER}.png)" in clean.cells[1].source
    assert (
        list(clean.cells[1].attachments) == ["\N{REPLACEMENT CHARACTER}.png"]
        and nbformat.writes(clean).encode()
    )


def written(text="YOUR ANSWER HERE"):
    """A release with one written answer, graded by hand."""
    graded = {"grade": True, "solution": True, "locked": False, "task": False, "schema_version": 3}
    cells = [
        nbformat.v4.new_markdown_cell("## Why?", id="why"),
        nbformat.v4.new_markdown_cell(
            text, id="reason", metadata={"nbgrader": graded | {"grade_id": "reason", "points": 2}}
        ),
        nbformat.v4.new_markdown_cell("## Next", id="next"),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def test_written_answers_are_found_by_name_and_by_place():
    sent = json.loads(nbformat.writes(written("Because the softmax saturates.")))
    for notebook in (sent, forget(sent)):
        clean, _ = rebuild(written(), dump(notebook))
        assert answers(clean) == {"reason": "Because the softmax saturates."}


def test_a_written_answer_among_other_texts_of_theirs_is_told_to_somebody():
    release, solution, _ = of(INSIDE)
    lost = forget(solution)
    random.Random(1).shuffle(lost["cells"])
    lost["cells"].append({"cell_type": "markdown", "source": "A note of mine on heads.", "metadata": {}})
    _, repairs = rebuild(release, dump(lost))
    assert any(r.human and "text of their own" in r.what for r in repairs)


def test_text_written_below_a_written_answer_is_kept():
    sent = json.loads(nbformat.writes(written()))
    below = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "My reason."}
    sent["cells"].insert(2, below)
    sent["cells"].append(below | {"id": "x", "source": "a note elsewhere"})
    clean, _ = rebuild(written(), dump(sent))
    assert [c.source for c in clean.cells] == ["## Why?", "YOUR ANSWER HERE", "My reason.", "## Next"]


# --- what happens to files ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil, kind",
    [
        (lambda data: b"\xef\xbb\xbf" + data, None),
        (lambda data: data.decode().encode("utf-16"), "encoding"),
        (lambda data: data.decode().encode("utf-16-be"), "encoding"),
        (lambda data: data.decode().replace("# Q1", "# é Q1").encode("cp1252", "ignore"), "encoding"),
        (lambda data: data.replace(b"sine", b"s\xffne", 1), "encoding"),
        (lambda data: data + b"\n\x00\x00garbage}", "salvaged"),
        (lambda data: b"HTTP/1.1 200 OK\r\n\r\n" + data, "salvaged"),
        (lambda data: data[: data.index(b'"nbformat"')], "salvaged"),
        (lambda data: data[data.index(b"\n", 100) :], "salvaged"),
        (lambda data: data.replace(b"null", b"NaN"), None),
        (lambda data: data.replace(b"null", b"9" * 5_000), None),
        (lambda data: data.replace(b"\n", b"\r\n"), None),
    ],
    ids="bom utf16 utf16be latin1 broken tail head cut beheaded nan bignum crlf".split(),
)
def test_spoilt_files_keep_the_answer(q1, spoil, kind):
    release, _, right = q1
    clean, repairs = rebuild(release, spoil(nbformat.writes(notebooks.read(Q1[1])).encode()))
    got = answers(clean)["q1_position_encoding"]
    assert got.split("for ")[1] == right["q1_position_encoding"].split("for ")[1]
    assert (kind in kinds(repairs)) if kind else not kinds(repairs) - {"restored"}
    nbformat.validate(clean)


def test_a_merge_conflict_is_resolved_for_the_attempted_side(q1):
    release, _, _ = q1
    whole = nbformat.writes(notebooks.read(Q1[1])).split("\n")
    at = next(i for i, line in enumerate(whole) if "# blank: denominator" in line)
    stub = json.dumps("            denominator = ...\n") + ","
    whole[at : at + 1] = ["<<<<<<< HEAD", whole[at], "=======", "    " + stub, ">>>>>>> upstream/main"]
    clean, repairs = rebuild(release, "\n".join(whole).encode())
    assert "denominator = n" in answers(clean)["q1_position_encoding"] or any(r.human for r in repairs)
    assert "salvaged" in kinds(repairs)


def test_formats_2_and_3(q1):
    release, sent, right = q1
    cells = [
        {"cell_type": "code", "input": source(c), "language": "python", "outputs": [], "collapsed": False}
        for c in sent["cells"]
        if c["cell_type"] == "code"
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    assert answers(rebuild(release, dump(old))[0]) == right


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "is empty"),
        (b" \n\0\0", "nothing but blanks"),
        (b"%PDF-1.7 ...", "begins with '%PDF-1.7"),
        (b"<!DOCTYPE html><html>", "is not a notebook"),
        (b"[1, 2]", "is not a notebook|no list of cells"),
        (b'{"a": 1}', "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (b"[" * 200_000, "is not a notebook"),
        (b'{"a":' * 200_000, "is not a notebook"),
        (dump({"cells": [code("1")] * 3_000}), "3,000 cells"),
    ],
)
def test_what_is_no_notebook_says_why(q1, data, reason):
    with pytest.raises(Unreadable, match=reason):
        rebuild(q1[0], data)


def test_a_damaged_answer_is_told_to_somebody(q1):
    release, _, _ = q1
    data = nbformat.writes(notebooks.read(Q1[1])).encode()
    clean, repairs = rebuild(release, data[: data.index(b"# blank: denominator")])
    assert answers(clean) == answers(release)
    assert any(r.human and "q1_position_encoding" in r.what for r in repairs)


# --- nbgrader accepts it --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory):
    """nbgrader's configuration of this course with a gradebook of its own that knows Part 2."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    root = tmp_path_factory.mktemp("course")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(notebooks.ROOT)).load_config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.NbGrader.logfile = ""
    shutil.copytree(notebooks.ROOT / "solutions" / PART, root / "solutions" / PART)
    done = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(PART)
    assert done["success"], done
    return config


def test_nbgraders_autograde_takes_the_result_as_it_is(gradebook):
    """Its sanitising steps, with the course's configuration, find nothing to change in a rebuilt notebook."""
    from nbgrader.converters import Autograde

    pairs = [pair for pair in PAIRS if pair[0].parent.name == PART]
    for number in range(30):
        rng = random.Random(number)
        pair = pairs[number % len(pairs)]
        release, sent, _ = of(pair)
        try:
            clean, _ = rebuild(release, mutate(sent, rng))
        except Unreadable:
            continue
        nbformat.validate(clean)
        MetadataValidator().validate_nb(clean)
        before = copy.deepcopy(clean)
        names = {"notebook": pair[0].stem, "assignment": PART, "db_url": gradebook.CourseDirectory.db_url}
        for step in Autograde.sanitize_preprocessors.default_args[0]:
            clean, _ = step(config=gradebook).preprocess(clean, {"nbgrader": names})
        assert [c.source for c in clean.cells] == [c.source for c in before.cells]
        assert clean == before


# --- fuzzing --------------------------------------------------------------------------------------

JUNK: list = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "junk",
    [],
    {},
    [[]],
    {"a": None},
    ["x", 3],
    "\ud800",
    "\0",
    "é" * 99,
]


def mutate(notebook, rng) -> bytes:
    """One notebook with a handful of accidents, as bytes."""
    notebook = copy.deepcopy(notebook)
    cells = notebook["cells"]
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(cells)) if cells else 0
        cell = cells[at] if cells and isinstance(cells[at], dict) else {}
        match rng.randrange(10):
            case 0:
                rng.shuffle(cells)
            case 1:
                del cells[at : at + rng.randint(1, 5)]
            case 2:
                cells.insert(rng.randint(0, len(cells)), copy.deepcopy(cell))
            case 3 if isinstance(cell, dict):
                cell[rng.choice(["source", "metadata", "cell_type", "id", "outputs"])] = copy.deepcopy(
                    rng.choice(JUNK)
                )
            case 4 if isinstance(cell.get("metadata"), dict):
                cell["metadata"][rng.choice(["nbgrader", "id", "tags"])] = copy.deepcopy(rng.choice(JUNK))
            case 5:
                cells.insert(at, copy.deepcopy(rng.choice(JUNK)))
            case 6:
                notebook[rng.choice(["metadata", "nbformat", "nbformat_minor", "cells", "worksheets"])] = (
                    rng.choice(JUNK) if rng.random() < 0.3 else notebook["metadata"]
                )
                cells = notebook["cells"] if isinstance(notebook["cells"], list) else []
            case 7:
                for one in cells:
                    if isinstance(one, dict) and rng.random() < 0.7:
                        one.pop("id", None)
                        one["metadata"] = {}
            case 8 if isinstance(cell.get("metadata"), dict) and isinstance(
                cell["metadata"].get("nbgrader"), dict
            ):
                cell["metadata"]["nbgrader"][rng.choice(["grade_id", "schema_version", "points"])] = (
                    rng.choice(JUNK)
                )
            case _:
                cells.insert(
                    at, code(rng.choice(["", "x = 1", "def f(:", "%matplotlib inline", "\x00", "é"]))
                )
    text = json.dumps(notebook, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
    encoding = rng.choice(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1", "utf-32"])
    data = bytearray(text.encode(encoding, "replace"))
    match rng.randrange(6):
        case 0:
            for _ in range(rng.randint(1, 30)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        case 1:
            del data[rng.randrange(len(data)) :]
        case 2:
            start = rng.randrange(len(data))
            del data[start : start + rng.randint(1, 500)]
        case 3:
            data[rng.randrange(len(data)) :] += bytes(rng.randrange(256) for _ in range(50))
    return bytes(data)


def test_a_thousand_mutated_notebooks_each_have_a_verdict():
    verdicts = {"collected": 0, "repaired": 0, "unreadable": 0}
    loaded = [of(pair) for pair in PAIRS]
    for number in range(FUZZED):
        rng = random.Random(number)
        release, sent, _ = loaded[number % len(loaded)]
        data = mutate(sent, rng)
        try:
            clean, repairs = rebuild(release, data)
        except Unreadable as problem:
            assert problem.reason
            verdicts["unreadable"] += 1
            continue
        verdicts["repaired" if repairs else "collected"] += 1
        ours = [c for c in clean.cells if "extra" not in c.metadata.get("tags", [])]
        assert [c.id for c in ours] == [c.id for c in release.cells], number
        changed = [a.id for a, b in zip(ours, release.cells, strict=True) if a != b]
        assert set(changed) <= answers(release).keys(), number
        text = nbformat.writes(clean)
        text.encode()
        nbformat.validate(clean)
        if number % 5 == 0:
            again, _ = rebuild(release, text.encode())
            assert again == clean, number
    assert sum(verdicts.values()) == FUZZED
    assert min(verdicts.values()) > 10, verdicts


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_bytes_are_a_notebook_or_unreadable(data):
    try:
        clean, _ = rebuild(written(), data)
    except Unreadable:
        return
    nbformat.validate(clean)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "source", "cell_type", "metadata", "id", "nbgrader", "grade_id", "worksheets"]
            ),
            inside,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(json_values)
@settings(max_examples=100)
def test_any_json_is_a_notebook_or_unreadable(value):
    for whole in (value, {"cells": value}, {"cells": [value]}):
        try:
            clean, _ = rebuild(written(), json.dumps(whole).encode())
        except Unreadable:
            continue
        nbformat.validate(clean)
