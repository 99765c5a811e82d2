"""Take pictures of a demo server in Chromium; dev/screenshots runs it.

A program of its own: playwright is in the virtual environment, not on the machine.
Ends with an error when a page says something on the browser's console.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ground.browser import PHONE, WIDE, Visitor, chromium, log_in  # noqa: E402

ACTION = "/odoo/action-software_license.software_license"
CUSTOMER = "td:text('Blue Heron Studio')"
PORTAL = {"path": "/my/licenses", "login": "portal"}
LINK = ("a:text('Acme Editor Pro') >> visible=true",)


@dataclass(frozen=True)
class Picture:
    """A page, what is clicked on it, and what is there when it can be taken."""

    name: str
    path: str
    ready: str
    clicks: tuple = ()
    login: str = "admin"
    size: tuple = WIDE


PICTURES = (
    Picture("dashboard", "/odoo/licensing", ".o_license_dashboard canvas"),
    Picture("licenses", f"{ACTION}_action", ".o_data_row"),
    Picture(
        "kanban",
        f"{ACTION}_action?view_type=kanban",
        ".o_kanban_record",
        ("button.o_switch_view.o_kanban",),
    ),
    Picture("license", f"{ACTION}_action", ".o-mail-Chatter", (CUSTOMER,)),
    Picture(
        "features",
        f"{ACTION}_action",
        ".o_field_license_features",
        (CUSTOMER, "a.nav-link:text('Features')"),
    ),
    Picture("issue", f"{ACTION}_issue_action", ".modal .o_form_view"),
    Picture("portal", ready="text=Joel's laptop", clicks=LINK, **PORTAL),
    Picture("portal_phone", ready=".card", clicks=LINK, size=PHONE, **PORTAL),
)


def main(url, folder, *names):
    """Take the wanted pictures; return the lines that pages wrote to the console."""
    wanted = [it for it in PICTURES if not names or it.name in names]
    with chromium() as browser:
        sessions = {
            login: log_in(browser, url, login)
            for login in {picture.login for picture in wanted}
        }
        return [
            line
            for picture in wanted
            for line in _take(browser, url, sessions, picture, Path(folder))
        ]


def _take(browser, url, sessions, picture, folder):
    visitor = Visitor(browser, url, sessions[picture.login], picture.size)
    visitor.open(picture.path, until="load")
    for selector in picture.clicks:
        visitor.page.locator(selector).first.click()
    visitor.page.locator(picture.ready).first.wait_for()
    visitor.page.wait_for_timeout(2000)  # images come, charts come to rest
    visitor.page.screenshot(path=folder / f"{picture.name}.png")
    visitor.context.close()
    return visitor.said


if __name__ == "__main__":
    lines = main(*sys.argv[1:])
    print("\n".join(lines))
    sys.exit(bool(lines))
