"""People on the pages of a server, and axe-core that finds what keeps some out."""

from pathlib import Path

import axe_playwright_python

from ground import browser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
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


#: What fades in is half transparent, and has half the contrast for a moment.
_IS_STILL = """() => document.getAnimations().every(
    (it) =>
        it.playState !== "running" ||
        it.effect.getComputedTiming().endTime === Infinity
)"""


class Visitor(browser.Visitor):
    """Somebody on the pages who wants no motion, and asks axe-core about them."""

    def __init__(self, *args, **options):
        super().__init__(*args, reduced_motion="reduce", **options)

    def find_barriers(self, within="html"):
        """Return what axe-core finds grave on the page, or in a part of it."""
        self.page.wait_for_function(_IS_STILL)
        self.page.evaluate(AXE)
        return self.page.evaluate(_FIND, [within, OF_ODOO, GRAVE])
