"""A browser that looks at pages as people do: Chromium, driven by playwright.

For programs and tests that run in the virtual environment.
"""

import os
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

from . import programs

WIDE, PHONE = (1280, 800), (390, 844)


@contextmanager
def chromium():
    """Run a headless Chromium while the block runs; yield playwright's browser."""
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", programs.find("playwright-node"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=programs.find("chromium"),
            # As root, in a container, Chromium has no sandbox.
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


def log_in(browser, url, login):
    """Log in, with the login for a password; return the session of a Visitor."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/web/login")
    page.fill("#login", login)
    page.fill("#password", login)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/web/login" not in address)
    session = context.storage_state()
    context.close()
    return session


class Visitor:
    """Somebody with a session, on a screen of this size.

    ``said`` are the errors and warnings that pages wrote to the console.
    """

    def __init__(self, browser, url, session, size=WIDE, **options):
        width, height = size
        self.url = url
        self.said = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            storage_state=session,
            **options,
        )
        self.page = self.context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _listen(self, message):
        if message.type in ("error", "warning"):
            self.said.append(f"{self.page.url}: {message.text}")

    def open(self, path, until="networkidle"):
        """Open a page; the web client always talks, so wait there until "load"."""
        self.page.goto(f"{self.url}{path}", wait_until=until)
