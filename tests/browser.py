"""A real browser for the tests: the system's Chromium (or Chrome), driven by Playwright.

tests/conftest.py makes the fixtures known to all tests. While a browser is open, Playwright's event loop runs in this
thread: what wants one of its own (`asyncio.run`, nbclient) goes into another process.
"""

import pytest

from tests import needs

TIMEOUT = 120_000  # milliseconds; a busy CI machine has two cores for everything


@pytest.fixture(scope="module")
def browser():
    """A headless browser, closed after the file's last test."""
    needs.need("browser", "loopback")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=needs.browser(), timeout=TIMEOUT)
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A window of its own, 1300 x 950, that shares nothing with other tests; every wait lasts up to two minutes."""
    context = browser.new_context(viewport={"width": 1300, "height": 950})
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()
