"""A list of people as spreadsheets write it: separators, encodings, headings of several languages."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from course.base.paths import shown

PUNCTUATION = "’‘“”„«»–—…·°€\xa0"  # of CP1252, as people and programs write it
EXCEL = re.compile(r'^="(.*)"$')  # so that a spreadsheet leaves the zeros of ="007"
SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}

# column -> how it may be called; letters and digits only, as `plain` leaves them
HEADINGS = {
    "id": "id studentid studentnumber studentnummer sid userid username login loginname kennung benutzername"
    " benutzerkennung anmeldename matrikelnummer matrikelnr matrnr orgdefinedid identifiant identificador nomdutilisateur"
    " numéroétudiant usuario nombredeusuario nomedeusuário matrícula matricula nomeutente gebruikersnaam"
    " användarnamn brukernavn 学号 學號 학번",
    "first_name": "firstname first givenname givennames vorname vornamen prénom prenom nombre nombres nome voornaam"
    " förnamn fornavn fornavne imię imie",
    "last_name": "lastname last surname familyname nachname familienname nom nomdefamille apellido apellidos"
    " sobrenome apelido cognome achternaam efternamn etternavn efternavn nazwisko",
    "name": "name fullname vollständigername nomcomplet nombrecompleto nomecompleto vornamenachname nachnamevorname"
    " firstnamelastname lastnamefirstname nomprénom prénomnom nombreapellidos apellidosnombre nomecognome cognomenome"
    " volledigenaam imięinazwisko fullständigtnamn полноеимя 姓名 이름 성명 氏名",
    "email": "email mail emailaddress emailadresse adressedecourriel adresseemail courriel correo correoelectrónico"
    " direccióndecorreo direccióndecorreoelectrónico endereçodeemail indirizzoemail emailadres adresemail epost epostadress 邮箱 이메일",
}
COLUMNS = {way: column for column, ways in HEADINGS.items() for way in ways.split()}


class CollectError(Exception):
    """Nothing could be collected, or what was can't be read; the text says what to change."""


@dataclass
class Table:
    """rows: column -> cell, known columns by their own names; `understood` says in words how it was read."""

    rows: list[dict[str, str]]
    understood: str


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", text).casefold() if c.isalnum())


def decode(data: bytes) -> tuple[str, str]:
    """The text, and its encoding; the encoding is "" where no known one gives letters only."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), "UTF-16"
    if data.count(b"\0") > len(data) // 4:
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", "replace"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    fine = all(c.isascii() or unicodedata.name(c, "").startswith("LATIN") or c in PUNCTUATION for c in text)
    return text, "CP1252" if fine else ""


def begin(text: str) -> tuple[str, str]:
    """The text without what Excel puts before a table, and the separator that its line `sep=;` names, else ""."""
    text, separator = text.lstrip("\ufeff"), ""
    if text[:4].casefold() == "sep=":
        first, _, text = text.partition("\n")
        separator = first[4:5]
    return text.lstrip("\r\n"), separator


def read(path: Path) -> Table:
    """The list in a file whose first line has headings. Raises CollectError, with what was understood."""
    text, encoding = decode(path.read_bytes())
    where = shown(path)
    if not encoding or "\0" in text:  # a workbook, a picture
        raise CollectError(f"{where} is no text in UTF-8, UTF-16 or CP1252; save it again as CSV UTF-8.")
    text, separator = begin(text)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = separator or max(SEPARATORS, key=lambda s: (_known(first, s), first.count(s)))
    stream = io.StringIO(text, newline="")
    try:
        lines = list(csv.reader(stream, delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise CollectError(f"{where} is no table of text ({error}); save it again as CSV UTF-8.") from None
    lines = [[EXCEL.sub(r"\1", cell.strip()) for cell in line] for line in lines]
    heads = lines[0] if lines else []
    columns = [head.casefold() for head in heads]
    for place, head in enumerate(heads):
        if (column := COLUMNS.get(plain(head))) and column not in columns:
            columns[place] = column  # the first that means it; others identify a student, too
    found = [
        f"{c} ({h})" if c != h.casefold() else c for c, h in zip(columns, heads, strict=True) if c in HEADINGS
    ]
    understood = f"{encoding}, separated by {SEPARATORS.get(separator, repr(separator))}, columns: {', '.join(found) or 'none'}"
    low = next(
        (n for n, line in enumerate(lines[1:5], 2) if "id" in {COLUMNS.get(plain(c)) for c in line}), 0
    )
    if low and not found:
        raise CollectError(
            f"{where} is not understood: its headings stand in line {low}; remove what stands above them."
        )
    if "id" not in columns and columns:
        data = any("@" in head or head.isdigit() for head in heads)
        if columns[0] in HEADINGS or data or (len(columns) == 1 and any(c in first for c in ";|\t,")):
            why = "its first line has no headings" if data else "it has no column id"
            raise CollectError(
                f"{where} is not understood: {why}. Understood were {understood}. Write a first line such as "
                "id,first_name,last_name,email, with what you call each student in the column id."
            )
        columns[0] = "id"
    rows = [dict(zip(columns, line, strict=False)) for line in lines[1:] if any(line)]
    for row in rows:
        if (whole := row.get("name", "")) and not row.get("last_name"):
            turned = "," not in whole or plain(heads[columns.index("name")]).startswith(
                ("vorname", "firstname")
            )
            one, _, other = whole.partition(",") if "," in whole else whole.rpartition(" ")
            row["first_name"], row["last_name"] = (
                (one.strip(), other.strip()) if turned else (other.strip(), one.strip())
            )
    return Table(rows, understood)


def _known(line: str, separator: str) -> int:
    return sum(plain(head) in COLUMNS for head in line.split(separator))
