"""nbgrader's settings of this tree, nbgrader_config.py, and the gradebook that they name."""

from pathlib import Path

from nbgrader import api
from sqlalchemy.engine import URL, make_url
from traitlets.config import Config, PyFileConfigLoader

from course.base.paths import ROOT


def load() -> Config:
    """The settings, as nbgrader's own commands read them here."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()


def shown(url: URL) -> str:
    """A gradebook's address without its password."""
    sqlite = url.get_backend_name() == "sqlite"
    return str(url.database) if sqlite else url.render_as_string(hide_password=True)


class Gradebook(api.Gradebook):
    """nbgrader's gradebook, which is closed when it can't be opened, too."""

    def __init__(self, *address: str) -> None:
        try:
            super().__init__(*address)
        except BaseException:
            if hasattr(self, "db"):  # connected: the file is none, or locked
                self.close()
            raise


def gradebook() -> Gradebook | None:
    """The gradebook, for who closes it; None if it is a SQLite file that is not there: nbgrader would make one."""
    course = load().CourseDirectory
    url = make_url(course.db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    return Gradebook(course.db_url, course.course_id)
