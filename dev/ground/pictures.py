"""Take pictures of a demo server in Chromium; dev/screenshots runs it.

A program of its own: playwright is in the virtual environment, not on the machine.
Ends with an error when a page says something on the browser's console.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

DESKTOP = (1280, 800)
PHONE = (390, 844)
ACTION = "/odoo/action-software_license.software_license"
#: What Chromium says of itself on a machine without a graphics card.
NOT_OURS = ("GPU stall", "WebGL")


@dataclass(frozen=True)
class Picture:
    """A page, what is clicked on it, and what is there when it can be taken."""

    name: str
    path: str
    ready: str
    clicks: tuple = ()
    login: str = "admin"
    size: tuple = DESKTOP


PICTURES = (
    Picture("dashboard", f"{ACTION}_dashboard_action", ".o_license_dashboard canvas"),
    Picture("licenses", f"{ACTION}_action", ".o_data_row"),
    Picture(
        "license",
        f"{ACTION}_action",
        ".o-mail-Chatter",
        clicks=("td:text('Blue Heron Studio')",),
    ),
    Picture(
        "features",
        f"{ACTION}_policy_action",
        ".o_field_license_features",
        clicks=("td:text('Acme Editor Pro')",),
    ),
    Picture(
        "portal",
        "/my/licenses",
        "text=Joel's laptop",
        clicks=("a:text('Acme Editor Pro')",),
        login="portal",
    ),
    Picture(
        "portal_phone",
        "/my/licenses",
        "text=Joel's laptop",
        clicks=("a:text('Acme Editor Pro')",),
        login="portal",
        size=PHONE,
    ),
)


def main(url, program, folder, *names):
    """Take the wanted pictures; return the lines that pages wrote to the console."""
    said = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--disable-gpu"]
        )
        for picture in PICTURES:
            if not names or picture.name in names:
                said += _take(browser, url, picture, Path(folder))
        browser.close()
    return said


def _take(browser, url, picture, folder):
    width, height = picture.size
    page = browser.new_page(viewport={"width": width, "height": height})
    said = []
    page.on("console", lambda message: said.append((message.type, message.text)))
    page.on("pageerror", lambda error: said.append(("error", str(error))))
    _log_in(page, url, picture.login)
    page.goto(url + picture.path)
    for selector in picture.clicks:
        page.locator(selector).first.click()
    page.locator(picture.ready).first.wait_for()
    page.wait_for_timeout(2000)  # images come, charts come to rest
    page.screenshot(path=folder / f"{picture.name}.png")
    page.close()
    return [
        f"{picture.name}: {text}"
        for kind, text in said
        if kind in ("error", "warning") and not any(word in text for word in NOT_OURS)
    ]


def _log_in(page, url, login):
    """Log in; demo users have their login for a password."""
    page.goto(f"{url}/web/login")
    page.fill("#login", login)
    page.fill("#password", login)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/web/login" not in address)


if __name__ == "__main__":
    lines = main(*sys.argv[1:])
    print("\n".join(lines))
    sys.exit(bool(lines))
