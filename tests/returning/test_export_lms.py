"""Each LMS's file of grades, in its documented form: seen whose it is, one column filled, the rest as it was; and feedback."""

import csv
import io

import pytest
from typer.testing import CliRunner

from course.__main__ import app
from course.base.paths import ROOT
from course.returning import moodle
from course.returning.export import export
from course.returning.points import ExportError
from tests.returning.test_export import (
    PART,
    Q1,
    Q2,
    archive,
    book,
    empty,
    grading,
    hand_in,
    page,
    received,
    solution,
    table,
)  # fmt: skip

__all__ = ["book", "empty", "grading"]  # fixtures
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")


def written(grading, lms, encoding="utf-8-sig", delimiter=","):
    text = (grading / "export" / PART / f"{lms}.csv").read_bytes().decode(encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def of(rows, key, place):
    """Cell `place` of each row by cell `key`."""
    return {row[key]: row[place] for row in rows[1:]}


# --- Moodle's languages ---------------------------------------------------------------------------


def test_the_german_worksheet(grading, book):
    """The case from the bug report, by the real command, without a word of whose file it is."""
    hand_in(book, "ada", 3, 3.5, email="ada@example.edu")
    path = ROOT / "tests" / "cases" / "moodle_worksheet_de.csv"
    for options in ([], ["--to", "moodle"]):
        result = CliRunner().invoke(app, ["export", PART, "--gradebook", str(path), *options])
        flat = " ".join(result.output.split())
        assert "exported 1" in flat and "Moodle counts out of 22, the gradebook out of 7" in flat
        before, after = table(path), written(grading, "moodle")
        place = before[0].index("Bewertung")
        assert after[1][place] == "6.5"
        assert [r[:place] + r[place + 1 :] for r in after] == [r[:place] + r[place + 1 :] for r in before]


# de, fr, es, pt_br: as in worksheets in public repositories; the others: "Last modified (grade)" and "Grade can be changed"
# as in Moodle's language packs (mod_assign), where these could be read, the rest from memory
WORKSHEETS = {
    "en": "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments",
    "de": "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,Zuletzt geändert (Abgabe),Zuletzt geändert (Bewertung),Feedback als Kommentar",
    "fr": "Identifiant,Nom complet,Adresse de courriel,Statut,Note,Note maximale,La note peut être modifiée,Dernière modification (travail remis),Dernière modification (note),Feedback par commentaires",
    "es": "Identificador,Nombre completo,Dirección de correo,Estado,Calificación,Calificación máxima,La calificación puede ser cambiada,Última modificación (entrega),Última modificación (calificación),Comentarios",
    "pt_br": "Identificador,Nome completo,Endereço de e-mail,Status,Nota,Nota máxima,Nota pode ser alterada,Última modificação (envio),Última modificação (nota),Comentários de feedback",
    "pt": "Identificador,Nome completo,Endereço de email,Estado,Nota,Nota máxima,A nota pode ser alterada,Última atualização (submissão),Última atualização (avaliação),Comentários",
    "it": "Identificatore,Nome completo,Indirizzo email,Stato,Voto,Valutazione massima,La valutazione può essere cambiata,Ultima modifica (consegna),Ultima modifica (valutazione),Commenti",
    "pl": "Identyfikator,Imię i nazwisko,Adres e-mail,Status,Ocena,Najwyższa ocena,Ocena może być zmieniona,Ostatnia modyfikacja (zadanie),Ostatnia modyfikacja (ocena),Komentarz",
    "nl": "Identificatie,Volledige naam,E-mailadres,Status,Cijfer,Maximumcijfer,Beoordeling kan gewijzigd worden,Laatst gewijzigd (inzending),Laatst gewijzigd (beoordeling),Feedback",
    "ca": "Identificador,Nom complet,Adreça electrònica,Estat,Qualificació,Qualificació màxima,Es pot canviar la qualificació,Darrera modificació (tramesa),Darrera modificació (qualificació),Comentaris",
    "ru": "Идентификатор,Полное имя,Адрес электронной почты,Состояние,Оценка,Максимальная оценка,Оценка может быть изменена,Последнее изменение (ответ),Последнее изменение (оценка),Отзыв",
    "tr": "Kimlik,Tam adı,E-posta adresi,Durum,Not,En yüksek not,Not değiştirilebilir,Son düzenleme (gönderim),Son düzenleme (not),Geri bildirim",
}  # fmt: skip


FORMS = {"utf-8-sig": ",", "cp1252": ";", "utf-16": "\t"}


def can(encoding, text):
    return text.encode(encoding, "replace").decode(encoding) == text


@pytest.mark.parametrize(
    "language, encoding", [(n, e) for n, head in WORKSHEETS.items() for e in FORMS if can(e, head)]
)
def test_worksheets_in_other_languages(tmp_path, grading, book, language, encoding):
    separator = FORMS[encoding]
    received(tmp_path, {f"Ada Lovelace_4711_assignsubmission_file_/{Q1}.ipynb": solution(Q1)}, grading)
    hand_in(book, "Ada_Lovelace", 3, 1)
    head = WORKSHEETS[language].split(",")
    row = ["Participant4711", "Ada Lovelace", "ada@x.org", "-", "", "7,00", "-", "-", "-", ""]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([head, row])
    said = f"sep={separator}\r\n" * (separator == ";")
    (tmp_path / "sheet.csv").write_bytes((said + text.getvalue()).encode(encoding))
    outcome = export(PART, "", tmp_path / "sheet.csv")
    after = written(grading, "moodle", "utf-16" if encoding == "utf-16" else "utf-8-sig", separator)
    assert after == [head, [*row[:4], "4", *row[5:]]]
    assert outcome.exported == {"Ada_Lovelace"} and not outcome.people


@pytest.mark.parametrize(
    "head",
    [
        "id,first_name,last_name",
        "Student,ID,SIS User ID,Section,Part 1 (41),Part (2)",
        "Name,Grade,Nota,Changed (by hand)",
        "Grade,Identifier,Last modified (grade)",
    ],
)
def test_what_is_no_worksheet(head):
    assert not moodle.is_it(head.split(","))


# --- Blackboard -----------------------------------------------------------------------------------

BLACKBOARD = [
    ["Last Name", "First Name", "Username", "Student ID", "Last Access", "Availability", "Weighted Total [Total Pts: up to 0 Percentage] |7", "2 Build a ViT [Total Pts: 7 Score] |42", "Essay [Total Pts: 10 Score] |43"],
    ["Lovelace", "Ada", "ada", "s1", "", "Yes", "", "Needs Grading", "5"],
    ["Byron", "Ben", "ben_b", "s2", "", "Yes", "", "", ""],
    ["Müller", "Zoë", "zoe", "s3", "", "Yes", "", "1", ""],
    ["Stranger", "Al", "al", "s4", "", "Yes", "", "", ""],
]  # fmt: skip


@pytest.fixture
def blackboard(tmp_path, grading, book):
    """Submissions from Blackboard and a roster's; -> a function that writes its file of grades."""
    stamp = "attempt_2026-03-02-10-00-00"
    files = {
        f"Part 2_{who}_{stamp}_{Q1}.ipynb": solution(Q1) + b"\n" * n for n, who in enumerate(("ada", "ben_b"))
    }
    files[f"Part 2_ben_b_{stamp}.txt"] = b"Name: Ben Byron (ben_b)\n"
    received(tmp_path, files, grading)
    (grading / "roster.csv").write_text("id,number\nmueller7,s3\nada,s1\n")
    for student, points in {"ada": (3, 3.5), "ben_b": (0, 0), "mueller7": (1, 1)}.items():
        hand_in(book, student, *points)
        page(grading, student)

    def write(encoding="utf-16", delimiter="\t", rows=BLACKBOARD):
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
        path = tmp_path / "gc_ML_column_2026-03-03-10-00-00.xls"
        path.write_bytes(text.getvalue().encode(encoding))
        return path

    return write


@pytest.mark.parametrize("form", [("utf-16", "\t"), ("utf-8-sig", ","), ("utf-8", "\t")], ids=str)
def test_blackboard_and_back(grading, blackboard, form):
    path = blackboard(*form)
    outcome = export(PART, "", path)
    data = (grading / "export" / PART / "blackboard.csv").read_bytes()
    after = written(grading, "blackboard", *form)
    assert of(after, 2, 7) == {"ada": "6.5", "ben_b": "0", "zoe": "2", "al": ""}
    assert [r[:7] + r[8:] for r in after] == [r[:7] + r[8:] for r in BLACKBOARD]
    assert data.decode(form[0]).startswith('"Last Name"'), "quoted as it came"
    assert outcome.exported == {"ada", "ben_b", "mueller7"} and not outcome.people
    assert any("unknown here (1): Stranger, Al (al)" in note for note in outcome.notes)
    assert any("no zip of feedback" in note for note in outcome.notes)
    assert [p.name for p in outcome.paths] == ["blackboard.csv"]


def test_blackboards_other_columns(grading, blackboard):
    outcome = export(PART, "blackboard", blackboard(), column="43")
    assert of(written(grading, "blackboard", "utf-16", "\t"), 2, 8)["ada"] == "6.5"
    assert "Blackboard counts Essay out of 10, the gradebook out of 7" in outcome.people[0]
    with pytest.raises(
        ExportError, match=r'no column for 99; .*--column.*"Essay \[Total Pts: 10 Score\] \|43"'
    ):
        export(PART, "blackboard", blackboard(), column="99")


def test_blackboard_in_another_language(grading, blackboard):
    rows = [list(row) for row in BLACKBOARD]
    rows[0] = [
        "Apellidos",
        "Nombre",
        "Nombre de usuario",
        "Id",
        "",
        "",
        "",
        "2 Build a ViT [Puntos totales: 7 Puntuación] |42",
        "",
    ]
    outcome = export(PART, "", blackboard(rows=rows))
    assert outcome.exported == {"ada", "ben_b", "mueller7"}


# --- Brightspace ----------------------------------------------------------------------------------

BRIGHTSPACE = (
    "OrgDefinedId,Username,Last Name,First Name,Email,"
    "2 Build a ViT Points Grade <Numeric MaxPoints:7 Weight:10 Category:Labs CategoryWeight:20>,"
    "Essay Points Grade <Numeric MaxPoints:10>,Calculated Final Grade Numerator,End-of-Line Indicator\r\n"
    "#s1,#ada,Lovelace,Ada,ada@x.org,,5,,#\r\n"
    "#s2,#ben,Byron,Ben,ben@x.org,3,,,#\r\n"
    "#s3,#zoe,Müller,Zoë,zoe@x.org,,,,#\r\n"
    "#s4,#al,Stranger,Al,al@x.org,,,,#\r\n"
)


def test_brightspace_and_back(tmp_path, grading, book):
    """Its archive names users by a number that its file of grades doesn't have: by name, or by the roster."""
    ada = "111-900 - Ada Lovelace - Mar 2, 2026 1030 AM"
    files = {
        "index.html": b"",
        f"{ada}/{Q1}.ipynb": solution(Q1),
        f"112-900 - Ben Byron - Mar 2, 2026 1030 AM - {Q2}.ipynb": solution(Q2),
    }
    report = received(tmp_path, files, grading)
    assert set(report.students) == {"111", "112"}
    (grading / "roster.csv").write_text("id,first_name,last_name,orgdefinedid\nmueller7,Zoë,Müller,s3\n")
    for student, points in {"111": (3, 3.5), "112": (0, 0), "mueller7": (1, 1)}.items():
        hand_in(book, student, *points)
    page(grading, "111")
    page(grading, "112", Q2)
    path = tmp_path / "GradesExport_2026-03-03.csv"
    path.write_text(BRIGHTSPACE, encoding="utf-8", newline="")
    outcome = export(PART, "", path)
    before, after = table(path), written(grading, "brightspace")
    assert of(after, 1, 5) == {"#ada": "6.5", "#ben": "0", "#zoe": "2", "#al": ""}
    assert [r[:5] + r[6:] for r in after] == [r[:5] + r[6:] for r in before]
    assert outcome.exported == {"111", "112", "mueller7"} and not outcome.people
    assert any("unknown here (1): Stranger, Al (s4)" in note for note in outcome.notes)
    assert archive(grading / "export" / PART / "brightspace-feedback.zip") == {
        f"{ada}/{Q1}.html": f"<p>111 {Q1}</p>".encode(),
        f"{ada}/{Q2}.html": f"<p>111 {Q2}</p>".encode(),
        f"112-900 - Ben Byron - Mar 2, 2026 1030 AM/{Q2}.html": f"<p>112 {Q2}</p>".encode(),
    }
    with pytest.raises(ExportError, match="no column for Part 9"):
        export(PART, "brightspace", path, column="Part 9")


# --- ILIAS, and those that take nothing -----------------------------------------------------------


def test_ilias_takes_feedback(tmp_path, grading, book):
    files = {
        f"Part_2/Lovelace_Ada_alovelace_4711/{Q1}.ipynb": solution(Q1),
        f"Part_2/Team_12/Byron_Ben_bb_4713/Late Submission - {Q1}.ipynb": solution(Q1) + b"\n",
    }
    received(tmp_path, files, grading)
    for student in ("alovelace", "bb"):
        hand_in(book, student, 3, 1)
        page(grading, student, Q1)
    outcome = export(PART, "ilias")
    assert archive(grading / "export" / PART / "ilias-feedback.zip") == {
        f"multi_feedback/Lovelace_Ada_alovelace_4711/{Q1}.html": f"<p>alovelace {Q1}</p>".encode(),
        f"multi_feedback/Byron_Ben_bb_4713/{Q1}.html": f"<p>bb {Q1}</p>".encode(),
    }
    assert [row[0::2] for row in written(grading, "ilias")[1:]] == [["alovelace", "4"], ["bb", "4"]]
    assert any("takes no marks from a file" in note for note in outcome.notes)


@pytest.mark.parametrize(
    "options, words",
    [
        (["--to", "gradescope"], "Gradescope takes no points from a file.*--to csv"),
        (["--to", "google"], "Google Classroom takes no points from a file.*--to csv"),
        (
            ["--to", "sakai"],
            "one of: csv, canvas, brightspace, blackboard, moodle, ilias, gradescope, google",
        ),
        ([], "Say what takes the grades with --to"),
        (
            ["--to", "csv", "--gradebook", "x.csv"],
            "--gradebook is for canvas, brightspace, blackboard, moodle",
        ),
        (["--to", "ilias", "--gradebook", "x.csv"], "--gradebook is for canvas"),
        (["--gradebook", "nowhere.csv"], "cannot be read"),
    ],
)
def test_what_is_said_where_there_is_no_way(grading, book, options, words):
    hand_in(book, "ada", 3, 4)
    result = CliRunner().invoke(app, ["export", PART, *options])
    assert result.exit_code == 1
    with pytest.raises(SystemExit, match=words):
        raise result.exception


def test_a_file_of_nobody_names_all_that_could_be_given(grading, book, tmp_path):
    hand_in(book, "ada", 3, 4)
    (tmp_path / "x.csv").write_text("name,points\nada,3\n")
    with pytest.raises(
        ExportError,
        match=r"begins with 'name,points'; give the gradebook that Canvas exports.* or the file of Bright",
    ):
        export(PART, "", tmp_path / "x.csv")
