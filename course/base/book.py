"""nbgrader's gradebook, which is closed when it can't be opened, too."""

from nbgrader import api


class Gradebook(api.Gradebook):
    def __init__(self, *address: str) -> None:
        try:
            super().__init__(*address)
        except BaseException:
            if hasattr(self, "db"):  # connected: the file is none, or locked
                self.close()
            raise
