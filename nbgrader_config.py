"""nbgrader on this tree: solutions/ is its source, notebooks/ its release, all that it writes lies in grading/.

Run nbgrader and JupyterLab from this folder; no flags are needed. `VIT_GRADING` moves grading/ to a folder below it, or
outside of this checkout (`make demo` uses grading/demo). `VIT_GRADEBOOK` is the gradebook's address if it is not
to be the SQLite file there: postgresql+psycopg://user:password@host/name. A fork that grades several courses on
one machine changes `course_id`.
"""

import os

from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearSolutions, Execute, GetGrades, SaveAutoGrades, SaveCells
from nbgrader.server_extensions.formgrader import handlers

from course.base import paths
from course.base.assignment import FollowCells
from course.grading.by_hand import SavePoints
from course.grading.plugins import Intake, Judge, Listing
from course.notebook.blanks import KeepLeftHandSide
from course.returning.export import LmsExport
from course.returning.feedback import TEMPLATES, FeedbackPage, Summary

if why := paths.published():
    raise SystemExit(why)
grading = paths.grading()
below = paths.shown(grading)
log = grading / "nbgrader.log"

c = get_config()  # noqa: F821  given by traitlets
c.CourseDirectory.root = str(paths.ROOT)
c.CourseDirectory.course_id = "vit"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.CourseDirectory.submitted_directory = f"{below}/submitted"
c.CourseDirectory.autograded_directory = f"{below}/autograded"
c.CourseDirectory.feedback_directory = f"{below}/feedback"
c.CourseDirectory.solution_directory = f"{below}/solution"
# Training runs and notes that notebooks keep beside themselves go neither into the release nor into feedback.
c.CourseDirectory.ignore = [*CourseDirectory.ignore.default_args[0], "my_vit", "my_vgg", ".progress"]
c.CourseDirectory.db_url = os.environ.get("VIT_GRADEBOOK") or f"sqlite:///{grading / 'gradebook.db'}"
# Nothing is made here: the folder comes with the gradebook (course/grading/plugins.py), and nbgrader opens its log at once.
c.NbGrader.logfile = str(log) if os.access(log if log.exists() else grading, os.W_OK) else ""
c.ExportApp.plugin_class = LmsExport
c.ExportPlugin.to = str(grading / "grades.csv")
c.ZipCollectApp.downloaded_directory = f"{below}/downloaded"
c.ExchangeFactory.list = Listing
c.Exchange.root = str(grading / "exchange")
c.Exchange.cache = str(grading / "cache")

# The release is generated, byte for byte the same each time, so writing it anew is safe; without this
# nbgrader skips an existing release and leaves the gradebook without its cells.
c.GenerateAssignment.force = True
OURS = {
    ClearSolutions: KeepLeftHandSide,
    SaveCells: FollowCells,  # a lesson may change when somebody has handed in
    Execute: Judge,
    SaveAutoGrades: SavePoints,  # points given by hand are final until the answer changes
    GetGrades: Summary,
}
c.GenerateAssignment.preprocessors = [
    OURS.get(step, step) for step in GenerateAssignment.preprocessors.default_args[0]
]

# What a student sends is rebuilt from the release and run in a sandbox; the judge decides: docs/how-grading-works.md.
c.Autograde.exporter_class = Intake
c.Autograde.autograde_preprocessors = [
    OURS.get(step, step) for step in Autograde.autograde_preprocessors.default_args[0]
]
c.Judge.records = f"{below}/records"

# Feedback pages: the command and formgrader's button take nbgrader's way with the course's template in it.
c.GenerateFeedback.exporter_class = FeedbackPage
c.GenerateFeedback.preprocessors = [
    OURS.get(step, step) for step in GenerateFeedback.preprocessors.default_args[0]
]
c.HTMLExporter.filters = {
    name: f"course.returning.words.{name}"
    for name in ("markdown2html", "highlight_code", "ansi2html", "code", "policy")
}
c.FeedbackPage.template_name = "feedback_page"
c.FeedbackPage.extra_template_basedirs = [str(TEMPLATES)]
# Formgrader's page of one submission, which is HTMLExporter's by name: nbgrader's, with what a student wrote in boxes.
c.HTMLExporter.template_name = "formgrader_page"
c.HTMLExporter.extra_template_basedirs = [str(TEMPLATES), handlers.template_path]
c.HTMLExporter.extra_template_paths = [
    handlers.template_path
]  # where `formgrade/index.html.j2` is found by that name
c.CSSHTMLHeaderPreprocessor.style = "xcode"  # every colour of it can be read on light grey
