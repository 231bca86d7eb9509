"""What is said of tests that this machine can't run."""

from types import SimpleNamespace

import pytest

from tests import needs


@pytest.fixture
def without_browser(monkeypatch):
    monkeypatch.setattr(needs, "browser", lambda: None)
    needs.lacking.cache_clear()
    yield
    needs.lacking.cache_clear()


def test_what_is_missing_skips_or_where_nothing_may_be_skipped_fails(without_browser, monkeypatch):
    monkeypatch.setattr(needs.sys, "platform", "linux")
    for value, outcome in (("", pytest.skip.Exception), ("1", pytest.fail.Exception)):
        monkeypatch.setenv("VIT_TEST_ALL", value)
        monkeypatch.setenv("CI", "true")  # means nothing here
        with pytest.raises(outcome, match="need a browser: sudo apt install chromium"):
            needs.need("browser")


def test_one_line_for_each_reason():
    said = ["need a browser: install it"] * 2 + ["Skipped: need a sandbox: bubblewrap is missing."]
    reports = [SimpleNamespace(longrepr=("file", 1, reason)) for reason in [*said, "POSIX only"]]
    assert needs.not_run(reports) == [
        "Not run: 2 tests need a browser: install it.",
        "Not run: 1 test needs a sandbox: bubblewrap is missing.",
        "Not run: 1 test: POSIX only.",
    ]
