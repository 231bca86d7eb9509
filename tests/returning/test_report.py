"""The class at a glance: counts, misconceptions, who needs somebody, what is alike, what a regrade changed."""

import csv
import json
from collections import Counter
from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from course.__main__ import app
from course.collecting import late
from course.collecting.collected import Collected, Entry
from course.judging import judge, reading, records
from course.returning.report import page
from course.returning.report.counts import ENOUGH, Item
from course.returning.report.normal import Answer
from helpers import exercises
from helpers.checks.judge import nothing
from helpers.checks.observe import State
from tests.returning import classroom
from tests.returning.classroom import OPEN, PART, Class

Q1, Q6 = "q1_positional_encoding", "q6_residual_block"
POSITION, RESIDUAL = "q1_position_encoding", "q6_residual_add"
HALF = {"np.power(n, 2 * i / d)": "n ** (i / d)"}  # exponent-i-over-d
ALONE = {"x + self.fn(x, **kwargs)": "x"}  # x-alone
ODD = {"x + self.fn(x, **kwargs)": "x + 7 * self.fn(x, **kwargs)"}  # no check knows why
COPIED = """\
class ResidualAdd(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, **kwargs):
        {a} = self.fn(x, **kwargs)
        {b} = torch.stack([x, {a}, x - x.mean(), {a} * 0.125])
        {c} = torch.tensor([1.0, 1.0, 0.0, 0.5]).reshape(4, *[1] * x.ndim)
        return ({b} * {c}).sum(dim=0)
"""


def fill(folder):
    """21 able students, and some who stand for something."""
    made = Class(folder)
    for number in range(21):
        who = f"able{number:02}"
        made.send(who, Q1, {}, date="2026-03-01 10:00:00.000000 UTC")
        made.send(who, Q6, {}, date="2026-03-02 10:00:00.000000 UTC", earlier=number % 2)
    made.send("ben", Q1, {POSITION: HALF}, date="2026-03-04 09:00:00.000000 UTC", late=True)
    made.send("ben", Q6, {RESIDUAL: ALONE}, attention=["The kernel ended twice."])
    made.send("cleo", Q1, {POSITION: HALF})
    made.send("cleo", Q6, {RESIDUAL: ODD})
    made.send("dora", Q6, {RESIDUAL: OPEN}, human="dora's later file is empty.")
    made.send("ed", Q6, {RESIDUAL: "class ResidualAdd(nn.Module):\n    pass  # ed was here"}, same=True)
    made.send("fay", Q6, {RESIDUAL: COPIED.format(a="a", b="b", c="c")})
    made.send("gil", Q6, {RESIDUAL: COPIED.format(a="one", b="two", c="three").replace("1.0, ", "1.0,  ")})
    made.send("hal", Q1, {}, received="abc")
    made.send("ida", Q1, {}, received="abc")
    made.send("kim", Q1, {POSITION: OPEN}, received="blank")
    made.send("lea", Q1, {POSITION: OPEN}, received="blank")
    made.send("moe", Q1, {}, grade=False)
    made.done([*made.ids, "nobody"], {"ben": "Ben O'Neill", "nobody": ""})
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("grading")
        patch.setenv("VIT_GRADING", str(folder))
        fill(folder)
        page.make(PART)
        yield folder


@pytest.fixture
def report(made):
    return json.loads((made / "report" / PART / "report.json").read_text("utf-8"))


def rows(report, table, **wanted):
    return [row for row in report["tables"][table] if wanted.items() <= row.items()]


def one(report, table, **wanted):
    (row,) = rows(report, table, **wanted)
    return row


def test_a_question_and_each_of_its_blanks_has_its_shares(report):
    whole = one(report, "questions", question="getPositionEncoding", blank="")
    assert whole["students"] == 27
    assert (whole["right"], whole["partial"], whole["open"]) == tuple(round(n / 27, 4) for n in (23, 2, 2))
    blank = one(report, "questions", blank="denominator")
    assert (blank["right"], blank["wrong"], blank["open"]) == tuple(round(n / 27, 4) for n in (23, 2, 2))
    residual = one(report, "questions", question="ResidualAdd")
    # ben and cleo and who copied are wrong, dora did not begin, ed's raises
    assert residual["open"] == round(1 / 27, 4)
    assert residual["error"] == round(1 / 27, 4)
    assert residual["wrong"] == round(4 / 27, 4)
    assert [row["right"] for row in report["hardest"]] == sorted(row["right"] for row in report["hardest"])


def test_a_question_is_compared_with_all_others(report):
    whole = one(report, "questions", question="getPositionEncoding", blank="")
    assert whole["item_rest"] > 0.5
    assert (whole["reading"], whole["look"]) == ("Separates.", False)
    assert 23 > ENOUGH  # have both


NO_BETTER = "Who does well elsewhere does no better here: look at the question and its check."


@pytest.mark.parametrize(
    ("right", "order", "students", "look", "reading"),
    [
        (0.97, "with", 200, False, "Nearly everybody has it."),
        (0.75, "with", 200, False, "Separates."),
        (0.25, "with", 200, False, "Separates. Hard: teach it again."),
        (0.75, "as it comes", 200, True, NO_BETTER),
        (0.25, "as it comes", 200, True, NO_BETTER),
        (0.75, "as it comes", 40, False, "Separates little."),  # so few may be chance
        (0.75, "against", 40, True, NO_BETTER),
        (0, "with", 40, False, "All alike: nothing to compare."),
    ],
)
def test_a_question_in_which_the_able_do_no_better_asks_for_a_look(right, order, students, look, reading):
    ranks = {"with": range(students), "against": range(students)[::-1]}
    ranks["as it comes"] = [n % 4 * (students // 4) + n // 4 for n in range(students)]
    item = Item(None, "", 1.0, Counter(right=round(right * students), wrong=round((1 - right) * students)))
    item.rest = [n / students for n in range(students)]
    item.points = [float(rank >= (1 - right) * students) for rank in ranks[order]]
    assert (item.look, item.reading) == (look, reading)
    assert isinstance(item.look, bool)  # for JSON


def test_misconceptions_are_ranked_with_an_example_and_the_place_to_show_again(report):
    first = report["tables"]["misconceptions"][0]
    assert (first["students"], first["of"], first["name"]) == (2, 27, "exponent-i-over-d")
    assert first["sentence"] == "the exponent is i/d instead of 2i/d."
    assert (first["blank"], first["notebook"], first["heading"]) == ("denominator", Q1, "Exercise Q1")
    assert first["above"] == "The formula"
    assert first["example"] == "denominator = n ** (i / d)"  # not the lines that use it
    assert one(report, "misconceptions", name="x-alone")["example"] == "out = x"


def test_a_mistake_in_another_blank_of_each_is_the_whole_questions(tmp_path):
    made = Class(tmp_path)
    blanks = [
        ("np.sin(k / denominator)", "np.sin(k / denom)"),
        ("np.power(n, 2 * i / d)", "base ** (2 * i / d)"),
    ]
    for who, (right, wrong) in zip(("ada", "ben"), blanks, strict=True):
        made.send(who, Q1, {POSITION: {right: wrong}})
    made.done()
    row = one({"tables": page.gather(PART, tmp_path).tables}, "misconceptions", name="name-unknown")
    assert (row["students"], row["blank"]) == (2, "")
    assert any(wrong in row["example"] for _, wrong in blanks)


def test_the_place_to_go_back_to_is_that_of_most_students_not_of_the_most_common_mistake(tmp_path):
    made = Class(tmp_path)
    for who, wrong in (("ada", "n ** (i / d)"), ("ben", "n"), ("cleo", "n ** (2 / d)")):
        made.send(who, Q1, {POSITION: {"np.power(n, 2 * i / d)": wrong}})
        made.send(who, Q6, {RESIDUAL: ALONE if who != "cleo" else {}})
    made.done()
    report = page.gather(PART, tmp_path)
    assert report.tables["misconceptions"][0]["name"] == "x-alone"
    assert report.places == [
        {"notebook": Q1, "heading": "The formula", "students": 3, "of": 3},
        {"notebook": Q6, "heading": "The idea", "students": 2, "of": 3},
    ]


def test_what_is_no_python_is_counted_apart_and_nobodys_copy(tmp_path):
    made = Class(tmp_path)
    typo = {"class ResidualAdd(nn.Module):": "class ResidualAdd(nn.Module)"}
    data = {who: made.send(who, Q6, {RESIDUAL: typo}, grade=False) for who in ("ada", "ben", "cleo")}
    _, line = reading.plain(classroom._solutions(Q6)[RESIDUAL].replace(*next(iter(typo.items()))))
    for who, sent in data.items():
        wrong = nothing(exercises.load(RESIDUAL), State.ERROR, [line.replace("Line 1", f"Line {len(who)}")])
        records.save(tmp_path / "records", classroom.judged(Q6, sent, verdicts={f"check_{RESIDUAL}": wrong}))
    made.done()
    tables = page.gather(PART, tmp_path).tables
    assert [(row["kind"], row["students"]) for row in tables["misconceptions"]] == [("no Python", 3)]
    assert tables["alike"] == []  # a colon is missing; the names are the course's own


def test_what_no_check_knows_is_grouped_by_what_it_gave(report):
    unknown = rows(report, "misconceptions", kind="unknown")
    odd = next(row for row in unknown if row["who"] == "cleo")
    assert "should be" in odd["sentence"]
    assert odd["example"] == "out = x + 7 * self.fn(x, **kwargs)"
    copied = next(row for row in unknown if row["who"] == "fay, gil")
    assert (copied["students"], copied["forms"]) == (2, 1)
    assert all("ed was here" not in row["example"] for row in unknown)


def test_who_sent_nothing_or_some_is_late_or_waits(report):
    nobody = one(report, "students", student="nobody")
    assert (nobody["notebooks"], nobody["points"]) == (0, "")
    assert one(report, "students", student="dora")["notebooks"] == 1
    ben = one(report, "students", student="ben")
    assert (ben["late"], ben["last"], ben["name"]) == (1, "2026-03-04 09:00", "Ben O'Neill")
    assert one(report, "students", student="able01")["attempts"] == 2
    assert {"label": "Wed 04 Mar", "in time": 0, "late": 1} in report["days"]
    assert "1 notebook is not graded yet: python -m course grade 2_build_a_vit." in report["notes"]
    assert report["summary"]["need a person"] == 2
    assert [(row["student"], row["why"]) for row in report["people"]] == [
        ("Ben O'Neill (ben)", "The kernel ended twice."),
        ("dora", "dora_q6_residual_block.ipynb: dora's later file is empty."),
    ]


def test_alike_are_long_unusual_answers_and_files_with_something_in_them(report):
    found = {row["who"]: row for row in report["tables"]["alike"]}
    assert set(found) == {"fay, gil", "hal, ida"}  # 21 short right answers and two blank files are no group
    assert found["fay, gil"]["why"] == "wrong in the same unusual way"
    assert found["hal, ida"]["why"] == "the same file, byte for byte"


def test_namesakes_are_told_apart_where_somebody_is_named(tmp_path):
    made = Class(tmp_path)
    made.send("ada1", Q6)
    made.send("ada2", Q6, attention=["Look."])
    made.done(["ada1", "ada2", "ada3"], dict.fromkeys(("ada1", "ada2"), "Ada Lovelace"))
    report = page.gather(PART, tmp_path)
    text = BeautifulSoup(page.render(report), "html.parser").text
    assert "Ada Lovelace (ada1)" in text and "Ada Lovelace (ada2)" in text
    hidden = page.render(page.gather(PART, tmp_path, anonymous=True))
    assert "Lovelace" not in hidden and "ada1" not in hidden


@pytest.mark.parametrize(
    ("dates", "rows"),
    [
        (["03-01", "03-02", "03-02"], {"Sun 01 Mar": 1, "Mon 02 Mar": 2}),
        (["03-01", "03-03"], {"Sun 01 Mar": 1, "1 day without any": 0, "Tue 03 Mar": 1}),
        (["01-04", "06-14"], {"Sun 04 Jan": 1, "160 days without any": 0, "Sun 14 Jun": 1}),
        (
            [*(f"01-{day:02}" for day in range(4, 29)), "06-14", "06-15"],
            {f"week of {day:02} Jan": 7 for day in (4, 11, 18)}
            | {"week of 25 Jan": 4, "19 weeks without any": 0, "week of 14 Jun": 2},
        ),
    ],
)
def test_days_without_any_are_one_row(dates, rows):
    came = Collected(
        files=[Entry("x", "ada", "q6", "collected", date=f"2026-{day} 10:00:00 UTC") for day in dates]
    )
    assert {row["label"]: row["in time"] for row in page._days(came)} == rows


def test_late_is_what_the_due_date_says_where_it_is_known(tmp_path):
    came = Collected(files=[Entry("x", who, "q6", "collected", date=date, late=said) for who, date, said in (
        ("ada", "2026-03-02 11:00:00 UTC", True), ("ben", "2026-03-02 13:00:00 UTC", False),
        ("cleo", None, True), ("dora", "2026-03-09 11:00:00 UTC", True),
    )])  # fmt: skip
    found = late.by_date(came, dict.fromkeys(("ada", "ben", "cleo"), datetime(2026, 3, 2, 12)))
    assert [entry.late for entry in found.files] == [False, True, True, True]


def test_what_grading_again_changed(tmp_path):
    made = Class(tmp_path)
    data = made.send("ada", Q1, {POSITION: {}})
    made.send("ben", Q1, {POSITION: HALF})
    wrong = classroom.judged(Q1, classroom.submission(Q1, {POSITION: HALF}))
    for number, changed in enumerate(({"release": "1" * 64}, {"release": "1" * 64, "version": "2" * 64})):
        made.before(Q1, data, key=str(number) * 64, verdicts=wrong.verdicts, **changed)
    made.done()
    (change,) = page.gather(PART, tmp_path).tables["changes"]
    assert (change["student"], change["question"], change["blank"]) == (
        "ada",
        "getPositionEncoding",
        "denominator",
    )
    assert (change["before"], change["after"], change["points"]) == ("incorrect, 0", "correct, 1", 1)
    assert change["why"].startswith("another release of the notebook")


def test_what_many_have_is_said_once(tmp_path):
    made = Class(tmp_path)
    wrong = classroom.judged(Q6, classroom.submission(Q6, {RESIDUAL: ALONE})).verdicts
    for number in range(25):
        who = f"student{number:02}"
        data = made.send(who, Q6, attention=["The kernel ended twice."] if number < 3 else [])
        made.before(Q6, data, key=f"{number:064}", version="2" * 64, verdicts=wrong)
    made.done()
    soup = BeautifulSoup(page.render(page.gather(PART, tmp_path)), "html.parser")
    changed, people = (
        [
            item.text.split(" q6_")[0].strip()
            for item in soup.find("section", attrs={"aria-labelledby": where}).find("ul")("li")
        ]
        for where in ("changes", "people")
    )
    first = ", ".join(f"student{number:02}" for number in range(20))
    assert changed == [f"25 students: {first} and 5 more"]
    assert people == ["3 students: student00, student01, student02"]


def test_a_record_of_earlier_checks_counts_until_it_is_graded_again(tmp_path):
    made = Class(tmp_path)
    data = made.send("ada", Q1, {}, grade=False)
    made.before(Q1, data, key="1" * 64, version="2" * 64)
    made.done()
    report = page.gather(PART, tmp_path)
    assert report.summary["notebooks"] == 1
    assert any("judged by an earlier release or earlier checks" in note for note in report.notes)


def test_a_damaged_record_is_counted(tmp_path):
    made = Class(tmp_path)
    made.send("ada", Q1, {})
    made.done()
    (tmp_path / "records" / f"{'9' * 64}.json").write_text('{"key": 1, "part": "2_build_a_vit"')
    assert "1 record is left out, as damaged." in page.gather(PART, tmp_path).notes


def test_ids_can_be_hidden(made, monkeypatch):
    monkeypatch.setenv("VIT_GRADING", str(made))
    report = page.gather(PART, made, anonymous=True)
    text = page.render(report) + json.dumps(vars(report))
    for name in ("able00", "ben", "Neill", "dora", "cleo", "fay", "gil", "nobody_"):
        assert name not in text, name
    assert [row["student"] for row in report.tables["students"]][:2] == ["student 1", "student 2"]


def test_what_grade_force_changed_is_listed(tmp_path):
    made = Class(tmp_path)
    data = made.send("ada", Q6, {RESIDUAL: ALONE})
    made.done()
    right = classroom.judged(Q6, classroom.submission(Q6, {})).verdicts
    records.save(tmp_path / "records", classroom.judged(Q6, data))  # the same again is no change
    assert page.gather(PART, tmp_path).tables["changes"] == []
    records.save(tmp_path / "records", classroom.judged(Q6, data, verdicts=right))
    report = page.gather(PART, tmp_path)
    (change,) = report.tables["changes"]
    found = (change["student"], change["before"], change["after"], change["why"])
    assert found == ("ada", "incorrect, 0", "correct, 1", "graded again")
    assert change["when"] == records.load(
        tmp_path / "records", judge.key_of(classroom.release(Q6), data)
    ).judged[:16].replace("T", " ")
    assert report.tables["misconceptions"] == [], "the latest counts"


def test_hidden_ids_stand_beside_not_in_place_of_the_others(made, monkeypatch):
    monkeypatch.setenv("VIT_GRADING", str(made))
    _, files = page.make(PART, anonymous=True)
    assert {path.parent.name for path in files} == {f"{PART}_anonymous"}


def test_half_a_character_and_odd_escapes_are_no_trouble(tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_GRADING", str(tmp_path))
    made = Class(tmp_path)
    made.send("ada", Q6, {RESIDUAL: {"x + self.fn(x, **kwargs)": "x - len('\\d')"}})
    record = classroom.judged(Q6, classroom.submission(Q6, {RESIDUAL: ODD}, "ben"))
    made.send("ben", Q6, {RESIDUAL: ODD}, grade=False)
    for cell in record.content.cells:
        cell.source = cell.source.replace("7 *", "len('\ud800') *")
    records.save(tmp_path / "records", record)
    made.done()
    report, _ = page.make(PART)
    assert report.summary["notebooks"] == 2


def test_a_gradebook_that_is_none_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_GRADING", str(tmp_path))
    made = Class(tmp_path)
    made.send("ada", Q6)
    made.done()
    (tmp_path / "gradebook.db").write_text("no database at all" * 100)
    with pytest.raises(page.ReportError, match="gradebook can't be read"):
        page.gather(PART, tmp_path)


def test_an_example_has_its_authors_name_in_it_never(tmp_path):
    made = Class(tmp_path)
    made.send("lovelace", Q6, {RESIDUAL: {"out = x + self.fn(x, **kwargs)": "out = x; by = 'Ada'"}})
    made.done(names={"lovelace": "Ada Lovelace"})
    (row,) = page.gather(PART, tmp_path).tables["misconceptions"]
    assert row["example"] == ""


@pytest.mark.parametrize("line", ["raise ValueError('Ada Lo was here')", "x = ada_x"])
def test_what_a_student_raises_says_nobodys_name_to_others(tmp_path, line):
    made = Class(tmp_path)
    data = made.send(
        "alo", Q6, {RESIDUAL: {"out = x + self.fn(x, **kwargs)": f"{line}; out = x"}}, grade=False
    )
    said = f"Line 7, `{line}`, raised ValueError: Ada Lo was here, ada_x"
    wrong = nothing(exercises.load(RESIDUAL), State.ERROR, [said])
    records.save(tmp_path / "records", classroom.judged(Q6, data, verdicts={f"check_{RESIDUAL}": wrong}))
    made.done(names={"alo": "Ada Lo"})
    assert page.gather(PART, tmp_path).tables["misconceptions"][0]["sentence"] == said
    report = page.gather(PART, tmp_path, anonymous=True)
    assert report.tables["misconceptions"][0]["sentence"] == "raised ValueError, in words of their own"
    text = page.render(report) + json.dumps(vars(report))
    assert not [word for word in ("Ada", "ada_x") if word in text]


def test_the_page_is_one_file_that_escapes_what_students_wrote(tmp_path):
    made = Class(tmp_path)
    made.send("<b>x", Q6, {RESIDUAL: "ResidualAdd = '<script>alert(1)</script>'"}, attention=["<i>look</i>"])
    made.done()
    text = page.render(page.gather(PART, tmp_path))
    soup = BeautifulSoup(text, "html.parser")
    assert (
        soup.find(
            ["script", "i", "link", "img"], string=lambda s: s != "difficulty" and "item" not in (s or "")
        )
        is None
    )
    assert "&lt;b&gt;x" in text
    assert "http:" not in text and "https:" not in text


def test_tables_open_in_a_spreadsheet_without_formulas(made):
    with (made / "report" / PART / "misconceptions.csv").open(newline="", encoding="utf-8") as stream:
        assert next(iter(csv.DictReader(stream)))["name"] == "exponent-i-over-d"
    assert page.table([{"a": "=1+1", "b": 2}], ()) == b"a,b\n'=1+1,2\n"
    assert page.table([], page.COLUMNS["changes"]).startswith(b"student,notebook,")


def test_the_command_says_what_it_wrote_or_why_not(made, tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_GRADING", str(made))
    said = CliRunner().invoke(app, ["report", PART])
    assert said.exit_code == 0
    assert "2 of 27: the exponent is i/d instead of 2i/d. (getPositionEncoding, denominator)" in said.output
    monkeypatch.setenv("VIT_GRADING", str(tmp_path))
    said = CliRunner().invoke(app, ["report", PART])
    assert said.exit_code == 1
    assert "python -m course grade 2_build_a_vit" in str(said.exception)
    assert "there are 1_words" in str(CliRunner().invoke(app, ["report", "nine"]).exception)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (
            "def f(x):\n    y = x + 1\n    return y",
            "def f(value):  # mine\n    r = (value+1)\n    return r",
            True,
        ),
        ("def f(x):\n    '''What.'''\n    return x", "def f(x):\n    return x", True),
        ("def f(x):\n    return x", "def g(x):\n    return x", False),
        ("def f(x, y):\n    return x - y", "def f(x, y):\n    return y - x", False),
        ("this is no Python", "this  is no Python  # at all", True),
    ],
)
def test_alike_after_formatting_and_renaming(a, b, same):
    assert (Answer.of(a).renamed == Answer.of(b).renamed) is same


def test_records_are_read_as_the_judge_keeps_them(tmp_path):
    made = Class(tmp_path)
    data = made.send("ada", Q6, {RESIDUAL: ALONE})
    kept = records.load(tmp_path / "records", judge.key_of(classroom.release(Q6), data))
    assert kept == classroom.judged(Q6, data)
