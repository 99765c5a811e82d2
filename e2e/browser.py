"""A browser that looks at pages as people do: Chromium, and axe-core for barriers."""

from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import sync_playwright

from ground import programs

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
WIDE, PHONE = (1280, 800), (390, 844)
#: What is worth a failure; the rest is advice.
GRAVE = ("serious", "critical")
#: Findings of Odoo's own layout, by rule and selector: nothing of ours is left out.
OF_ODOO = (
    ("html-has-lang", "html"),  # without Odoo's module website
    ("image-alt", ".o_portal_icon img"),  # the icons of portal.portal_docs_entry
    ("aria-dialog-name", ".modal.o_technical_modal"),  # the web client's dialogs
)
_FIND = """async ([within, ofOdoo, grave]) => {
    const isOfOdoo = (rule, element) =>
        ofOdoo.some(([id, selector]) => id === rule && element.matches(selector));
    const { violations } = await axe.run(within, { elementRef: true });
    return violations
        .filter(({ impact }) => grave.includes(impact))
        .flatMap(({ id, nodes }) =>
            nodes
                .filter(({ element }) => !isOfOdoo(id, element))
                .map(({ element }) => `${id}: ${element.outerHTML.slice(0, 200)}`)
        );
}"""


@contextmanager
def chromium():
    """Run a headless Chromium while the block runs; yield playwright's browser."""
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

    def find_barriers(self, within="html"):
        """Return what axe-core finds grave on the page, or in a part of it."""
        self.page.evaluate(AXE)
        return self.page.evaluate(_FIND, [within, OF_ODOO, GRAVE])
