"""Lessons to notebooks: deterministic, valid for nbgrader, and nothing of a solution left in a release."""

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import ClearSolutions
from nbgrader.utils import compute_checksum, determine_grade
from sqlalchemy.exc import SAWarning
from traitlets.config import PyFileConfigLoader

from course.authoring import badges, build, numbers
from course.notebook.blanks import KeepLeftHandSide
from course.notebook.release import Release
from helpers import exercises
from tests import notebooks

LESSON = """\
# %% [markdown]
# # Title
#
# One purpose.

# %% tags=["setup"]
from helpers import check

# %% nbgrader={"grade_id": "answer", "solution": true}
x = 1 + 1  # blank: x = ...

# %% nbgrader={"grade_id": "test", "grade": true}
check("q6_residual_add")
"""


@pytest.fixture(scope="module")
def built():
    return build.build()


def lesson(tmp_path, text):
    path = tmp_path / "9_part" / "lesson.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def cleared(source: str) -> str:
    cell = nbformat.v4.new_code_cell(source)
    KeepLeftHandSide()._replace_solution_region(cell, "python")
    return cell.source


def test_what_is_committed_is_what_the_lessons_give(built):
    assert [str(path) for path in build.drift(built)] == []


def test_building_twice_gives_the_same_bytes(built):
    assert build.build() == built


@pytest.mark.grading
def test_nbgraders_own_way_gives_the_same_bytes(built, root, tmp_path):
    """GenerateAssignment under nbgrader_config.py, all parts as one: it takes seconds a notebook."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    config.NbGrader.logfile = ""
    (tmp_path / "solutions" / "all").mkdir(parents=True)
    for path in notebooks.SOLUTIONS:
        shutil.copy(path, tmp_path / "solutions" / "all")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's way with SQLAlchemy
        result = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment("all")
    assert result["success"], result.get("log") or result.get("error")
    given = {path.name: path.read_bytes() for path in (tmp_path / "notebooks" / "all").glob("*.ipynb")}
    assert len(given) == len(notebooks.RELEASES)
    assert given == {
        path.name: data for path, data in built.items() if path.parent.parent.name == "notebooks"
    }


@pytest.mark.grading
def test_check_fails_with_the_list_of_drifted_files(root, tmp_path):
    copy = tmp_path / "course"  # other tests read the real files meanwhile
    shutil.copytree(
        root, copy, ignore=shutil.ignore_patterns(".*", "grading", "tests", "*.gz", "*.safetensors")
    )
    path = copy / "notebooks" / notebooks.RELEASES[0].relative_to(root / "notebooks")
    path.write_bytes(path.read_bytes().replace(b"...", b"....", 1))
    done = subprocess.run(
        [sys.executable, "-m", "course", "build", "--check"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert done.stdout.split() == ["drifted:", str(path.relative_to(copy))]
    assert "make notebooks" in done.stderr


def test_drift_names_changed_missing_and_orphaned_files(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setenv("VIT_GRADING", str(tmp_path / "kept"))
    folder = tmp_path / "notebooks" / "part"
    files = {folder / "a.ipynb": b"1", folder / "b.ipynb": b"2"}
    assert sorted(p.name for p in build.write(files)) == ["a.ipynb", "b.ipynb"]
    assert build.drift(files) == []
    (folder / "a.ipynb").write_bytes(b"changed")
    (folder / "orphan.ipynb").write_bytes(b"3")
    assert [p.name for p in build.drift(files)] == ["a.ipynb", "orphan.ipynb"]
    build.write(files)
    assert sorted(p.name for p in folder.iterdir()) == ["a.ipynb", "b.ipynb"]
    assert [path.read_bytes() for path in (tmp_path / "kept" / "rescued").iterdir()] == [b"3"]


@pytest.mark.parametrize(
    "path", notebooks.SOLUTIONS + notebooks.RELEASES, ids=lambda p: "/".join(p.parts[-3:])
)
def test_committed_notebooks_are_valid_for_nbgrader(path):
    nb = notebooks.read(path)
    nbformat.validate(nb)
    MetadataValidator().validate_nb(nb)
    records = [c.metadata["nbgrader"] for c in nb.cells if "nbgrader" in c.metadata]
    ids = [r["grade_id"] for r in records]
    assert len(set(ids)) == len(ids)
    assert len({c.id for c in nb.cells}) == len(nb.cells)
    assert all(c.id == c.metadata["nbgrader"]["grade_id"] for c in nb.cells if "nbgrader" in c.metadata)
    assert not any(c.get("outputs") or c.get("execution_count") for c in nb.cells)


def test_lessons_that_are_newer_than_what_is_given_out_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    made, solution = (tmp_path / top / "9_part" for top in ("lessons", "solutions"))
    made.mkdir(parents=True)
    solution.mkdir(parents=True)
    one = made / "one.py"
    one.write_text(LESSON, "utf-8")
    (solution / "one.ipynb").write_bytes(build.written(build.solution(one)))
    os.utime(solution / "one.ipynb", (0, 0))
    assert build.unbuilt("9_part") == "", "written later, and the same"
    one.write_text(LESSON.replace("One purpose.", "Another one."), "utf-8")
    (made / "new.py").write_text(LESSON, "utf-8")
    said = build.unbuilt("9_part")
    assert said.startswith("Changed since `make notebooks`") and said.endswith(
        "lessons/9_part/new.py, lessons/9_part/one.py."
    )
    assert build.unbuilt("8_part") == ""


@pytest.mark.parametrize("path", notebooks.RELEASES, ids=lambda p: p.stem)
def test_a_release_holds_blanks_and_nothing_of_the_solution(path):
    text = path.read_text("utf-8")
    assert not re.search(r"BEGIN SOLUTION|END SOLUTION|HIDDEN|# blank", text)
    solution = notebooks.read(build.ROOT / "solutions" / path.parent.name / path.name)
    release = {c.id: c.source for c in notebooks.read(path).cells}
    assert [c.id for c in solution.cells] == list(release)
    for cell in solution.cells:
        if not cell.metadata.get("nbgrader", {}).get("solution"):
            assert release[cell.id] == cell.source
            continue
        if cell.cell_type == "markdown":  # written in words, graded by hand
            assert release[cell.id] == ClearSolutions().text_stub
            continue
        assert "..." in release[cell.id]
        ast.parse(release[cell.id])
        for line in cell.source.split("\n"):
            if "# blank" in line:
                answer = line.split("# blank")[0].strip()
                assert answer not in release[cell.id], answer


@pytest.mark.parametrize("key", exercises.names())
def test_helpers_contain_no_answer(key, root):
    """No blank's answer and no einops or einsum string of a solution stands in helpers/, whatever the spacing."""

    def squeeze(text):
        return re.sub(r"\s+", "", text)

    helpers = {path: squeeze(path.read_text("utf-8")) for path in (root / "helpers").rglob("*.py")}
    solution = notebooks.cell_of(notebooks.read(root / "solutions" / notebooks.notebook_of(key)), key).source
    if re.search(rf"^{exercises.load(key).name} = ", solution, re.MULTILINE):
        return  # predictions of a warm-up: single words and shapes, which stand everywhere
    lines = [(line.split("  # blank")[0].strip(), "# blank" in line) for line in solution.split("\n")]
    for marked, together in itertools.groupby(lines, key=lambda pair: pair[1]):
        if not marked:
            continue
        answer = "\n".join(line for line, _ in together).rstrip(",")
        right_hand = re.sub(r"^[\w.\[\], *+]*[^=!<>]= ?(?!=)", "", answer)
        strings = [s for s in re.findall(r'"([^"]+)"', answer) if "->" in s]
        for text in {answer, right_hand, *strings} - {""}:
            found = [
                str(path) for path, content in helpers.items() if len(text) > 3 and squeeze(text) in content
            ]
            assert not found, (text, found)


# --- the pieces -----------------------------------------------------------------------------------

words = st.text(
    st.characters(codec="utf-8", exclude_characters="#\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=20
)


@given(st.integers(0, 12), words.map(str.strip).filter(bool), words.map(str.strip).filter(bool))
def test_a_blank_keeps_its_indentation_and_its_left_hand_side(indent, answer, name):
    stub = f"{name} = ..."
    assert cleared(f"{' ' * indent}{answer}  # blank: {stub}") == " " * indent + stub


@given(st.lists(words.filter(lambda text: "# blank" not in text), max_size=8))
def test_lines_without_a_mark_stay_as_they_are(lines):
    assert cleared("\n".join(lines)) == "\n".join(lines)


def test_a_bare_mark_removes_its_line():
    assert cleared("a = f(  # blank: a = ...\n    1)  # blank\nb = 2") == "a = ...\nb = 2"


def test_markdown_answers_get_nbgraders_own_stub():
    cell = nbformat.v4.new_markdown_cell("### BEGIN SOLUTION\nmy essay\n### END SOLUTION")
    KeepLeftHandSide()._replace_solution_region(cell, "python")
    assert cell.source == ClearSolutions().text_stub


def test_short_metadata_is_written_out_in_full(tmp_path):
    nb = build.solution(lesson(tmp_path, LESSON))
    assert [c.metadata["nbgrader"] for c in nb.cells if "nbgrader" in c.metadata] == [
        {"grade": False, "grade_id": "answer", "locked": False, "schema_version": 3, "solution": True, "task": False},
        {
            "grade": True, "grade_id": "test", "locked": True, "schema_version": 3, "solution": False, "task": False,
            "points": 1,
        },
    ]  # fmt: skip


def test_a_written_answer_is_graded_by_hand(tmp_path):
    written = LESSON.replace("# %% nbgrader", "# %% [markdown] nbgrader", 1)
    written = written.replace('"solution": true}', '"solution": true, "grade": true, "points": 3}')
    written = written.replace("x = 1 + 1  # blank: x = ...", "# a model answer")
    nb = build.solution(lesson(tmp_path, written))
    cell = notebooks.cell_of(nb, "answer")
    assert cell.cell_type == "markdown" and cell.source == "a model answer"
    record = cell.metadata["nbgrader"]
    assert (record["grade"], record["solution"], record["locked"], record["points"]) == (True, True, False, 3)
    MetadataValidator().validate_nb(nb)
    # left as it was released it earns 0; written, it waits for a person (no points yet, 3 to earn)
    cell.source = ClearSolutions().text_stub
    record["checksum"] = compute_checksum(cell)
    assert determine_grade(cell) == (0, 3)
    cell.source = "what a student wrote"
    assert determine_grade(cell) == (None, 3)


@settings(deadline=None, max_examples=25)
@given(st.lists(words.map(str.strip).filter(bool), min_size=1, max_size=6))
def test_cell_ids_are_unique_and_depend_on_the_text_alone(tmp_path_factory, texts):
    cells = "\n".join(f"# %%\nx = {text!r}\n" for text in texts + texts)
    path = lesson(tmp_path_factory.mktemp("lesson"), LESSON + "\n" + cells)
    first, second = build.solution(path), build.solution(path)
    ids = [c.id for c in first.cells]
    assert ids == [c.id for c in second.cells]
    assert len(set(ids)) == len(ids)


# title, setup cell and measured table of the first release: copies of it are matched by these, whatever is stamped now
FIRST = {
    "self_attention": ["262736a6", "09c47f21"],
    "word_embedding": ["8061673d", "515d6d11"],
    "q1_positional_encoding": ["08b41018", "896de65a"],
    "q2_patch_embedding": ["a82c70d9", "69994ad4"],
    "q3_class_token": ["e2237f94", "be19e946"],
    "q4_positional_embedding": ["95ee57c4", "f7207cd4"],
    "q5_einsum_attention": ["f781eca7", "65cd4733"],
    "q6_residual_block": ["07289b93", "8e56a7f2"],
    "q7_encoder_block": ["99d2485d", "97f3df04"],
    "cnn_or_vit": ["c7970644", "5238476b"],
    "train_your_vit": ["d886bda6", "8ce6d166", "150c1cc4"],
    "inside_a_pretrained_vit": ["e3ebb27b", "c2f48af2"],
}


@pytest.mark.parametrize("name", FIRST)
def test_stamped_cells_are_called_as_in_the_first_release(name):
    for path in notebooks.SOLUTIONS + notebooks.RELEASES:
        if path.stem == name:
            cells = notebooks.read(path).cells
            stamped = [c.id for c in cells[:2]]
            assert "setup" in cells[1].metadata.tags
            assert stamped + [c.id for c in cells if "<!-- training:start" in c.source] == FIRST[name]


def test_new_addresses_setup_texts_and_numbers_change_no_id(tmp_path, monkeypatch):
    written = LESSON + "\n# %% [markdown]\n# <!-- training:start -->\n# <!-- training:end -->\n"
    paths = [*build.lessons(), lesson(tmp_path, written)]
    before = [build.solution(path) for path in paths]
    project = badges.project() | {"urls": {"Repository": "https://github.com/ada/vit"}, "version": "9"}
    monkeypatch.setattr(badges, "project", lambda: project)
    monkeypatch.setattr(build, "BOOTSTRAP", "import new\n")
    monkeypatch.setattr(numbers, "table", lambda name: "measured anew\n")
    for path, old in zip(paths, before, strict=True):
        new = build.solution(path)
        assert [c.id for c in new.cells] == [c.id for c in old.cells]
        assert all(new.cells[i].source != old.cells[i].source for i in (0, 1))


def test_a_lesson_that_was_copied_brings_no_ids_along():
    ids = Counter(
        found
        for path in build.lessons()
        for found in re.findall(r'^# %%.* id="(.+?)"', path.read_text("utf-8"), re.M)
    )
    assert ids and not [name for name, times in ids.items() if times > 1], 'delete id="..." in the copy'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# # Title", "# Title", "must be markdown: the title"),
        (
            "# One purpose.",
            "# **When you are done you can**",
            "and the sentence that the README's table shows",
        ),
        ("# %% [markdown]\n# # Title", "# # Title", "must be markdown"),
        ("  # blank: x = ...", "", "no line of answer ends in `# blank: ...`"),
        ('check("q6_residual_add")\n', 'check("q6")\n', "There is no helpers/exercises/q6.py"),
        ('# %% tags=["setup"]', "# %%", "one cell"),
        ('"grade_id": "test"', '"grade_id": "answer"', "used twice"),
        (', "solution": true', "", "`# blank` stands in a cell without"),
        ('check("q6_residual_add")', 'check("q6_residual")', 'should be check("<key>") of a known exercise'),
        ('check("q6_residual_add")', 'print(check("q6_residual_add"))', "and nothing else"),
        ('"grade_id": "test", ', "", "needs a grade_id"),
        ('"grade": true', '"grade": true, "pionts": 2', "pionts"),
        *(
            (
                "# %% tags",
                f"# %% [markdown] nbgrader={{{short}}}\n# Why?\n\n# %% tags",
                "why is answered in words: it needs",
            )
            for short in (
                '"grade_id": "why", "solution": true, "grade": true',
                '"grade_id": "why", "solution": true, "points": 2',
                '"grade_id": "why", "grade": true, "points": 2',
            )
        ),
    ],
)
def test_a_lesson_that_cannot_be_built_says_what_to_change(tmp_path, old, new, said):
    assert old in LESSON
    path = lesson(tmp_path, LESSON.replace(old, new))
    with pytest.raises(build.BuildError, match=re.escape(said)) as error:
        build.solution(path)
    assert str(path) in str(error.value)


# --- a blank is one, and no answer goes out -------------------------------------------------------

Q6 = build.ROOT / "lessons" / "2_build_a_vit" / "q6_residual_block.py"


def proven(lesson: Path, change=lambda solved, released: None) -> None:
    solved = build.solution(lesson)
    released = Release(lesson.parent.name, lesson.stem, build.written(solved)).notebook
    change(solved, released)
    build.prove(lesson, solved, released)


def changed(tmp_path, old: str, new: str) -> Path:
    """A copy of Q6's lesson with another text in it."""
    text = Q6.read_text("utf-8")
    assert text.count(old) == 1, old
    return lesson(tmp_path, text.replace(old, new))


def test_every_lesson_is_proven():
    for path in build.lessons():
        proven(path)


def test_a_mark_that_is_missing_is_told_before_the_answer_goes_out(tmp_path):
    (line,) = re.findall(r"^.*# blank: .*$", Q6.read_text("utf-8"), re.MULTILINE)
    path = changed(tmp_path, line, f"{line.split('  # blank')[0]}\n        more = 1  # blank: more = ...")
    with pytest.raises(
        build.BuildError, match=r"q6_residual_add.py has the blank 'out =', .* there are: more = "
    ):
        proven(path)


def test_a_part_whose_blank_is_misspelt_is_told(monkeypatch):
    exercise = exercises.load("q6_residual_add")
    monkeypatch.setattr(
        exercises, "load", lambda key: replace(exercise, parts=(replace(exercise.parts[0], blank="ouput ="),))
    )
    with pytest.raises(
        build.BuildError,
        match=r"has the blank 'ouput =', which should stand in exactly one .* there are: out = \.\.\.",
    ):
        proven(Q6)


def test_a_blank_of_no_part_is_told(tmp_path):
    (line,) = re.findall(r"^.*# blank: .*$", Q6.read_text("utf-8"), re.MULTILINE)
    more = line.replace("# blank: out", "# blank: more").replace("out =", "more =")
    path = changed(tmp_path, line, f"{line}\n{more}")
    with pytest.raises(
        build.BuildError, match=r"no part in .*q6_residual_add.py has the blank `more = \.\.\.`"
    ):
        proven(path)


def test_a_check_without_its_answers_cell_is_told(tmp_path):
    path = changed(tmp_path, '"grade_id": "q6_residual_add"', '"grade_id": "q6"')
    with pytest.raises(build.BuildError, match="no cell has the grade_id q6_residual_add"):
        proven(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# # Title", "# # Title", "'# Title' is a title already"),
        ("# # Title", "# # Another", "'answer' is a grade_id in 9_part already"),
    ],
)
def test_two_lessons_with_one_name_are_told(tmp_path, monkeypatch, old, new, said):
    first = lesson(tmp_path, LESSON)
    second = first.with_name("second.py")
    second.write_text(LESSON.replace(old, new), "utf-8")
    monkeypatch.setattr(build, "lessons", lambda: [first, second])
    with pytest.raises(build.BuildError, match=f"{re.escape(said)}, of .*lesson.py"):
        build.solutions()


def test_an_answer_in_the_release_is_told():
    def leak(solved, released):
        cell = next(cell for cell in released.cells if cell.id == "q6_residual_add")
        cell.source = notebooks.cell_of(solved, "q6_residual_add").source.split("  # blank")[0]

    with pytest.raises(build.BuildError, match="the release shows a line of the answer to q6_residual_add"):
        proven(Q6, leak)
