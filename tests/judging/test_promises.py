"""Every test that docs/how-grading-works.md names for a promise is there."""

import re

from tests.notebooks import ROOT

DOC = ROOT / "docs" / "how-grading-works.md"


def promises() -> dict[str, str]:
    """Promise -> what its row names."""
    table = DOC.read_text("utf-8").split("| promise | test |")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line and "---" not in line]
    return {promise: tests for promise, tests in rows}


def test_each_promise_has_a_test_that_is_there():
    assert len(promises()) > 20
    for promise, tests in promises().items():
        file, named = "", []
        for path, name in re.findall(r"\]\(\.\./([^)]+)\)|`(\w+)`", tests):
            if path:
                file = (ROOT / path).read_text("utf-8")
            else:
                named.append(name)
                assert f"\ndef {name}(" in file, f"{promise}: there is no {name}"
        assert named, promise
