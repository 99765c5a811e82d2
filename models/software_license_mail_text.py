import csv
import io
import json

from odoo import models

#: Mail programs cut off what is longer than 100 kB: so much of it is spelled out, and
#: that twice at most, of what is new and of what is renewed.
MAX_GROUPS = 10
MAX_KEYS = 150
MAX_FEATURES = 20


class SoftwareLicense(models.Model):
    """How an e-mail tells of many licenses."""

    _inherit = "software.license"

    def _get_message_groups(self):
        """Return what an e-mail says of these licenses, a dict of facts each.

        Those that differ in nothing but the key are one, with all their ``keys``. Of
        many licenses the last ones are left out.
        """
        groups = {}
        for license_ in self:
            facts = license_._get_message_facts()
            key = facts.pop("key")
            facts["features"] = _shorten(facts["features"], MAX_FEATURES)
            same = groups.setdefault(
                json.dumps(facts, default=str), {**facts, "keys": []}
            )
            same["keys"].append(key)
        return _limit(list(groups.values()), MAX_GROUPS, MAX_KEYS)

    def _get_keys_file(self):
        """Return the CSV file of these licenses' keys, as bytes."""
        file = io.StringIO()
        rows = csv.writer(file)
        rows.writerow(
            [
                self.env._("Product"),
                self.env._("License Key"),
                self.env._("Valid until"),
            ]
        )
        for license_ in self:
            facts = license_._get_message_facts()
            cells = [facts["name"], facts["key"], facts["until"] or ""]
            rows.writerow([_disarm(str(cell)) for cell in cells])
        return file.getvalue().encode("utf-8-sig")  # as spreadsheets expect it


def _disarm(cell):
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _limit(groups, max_groups, max_keys):
    """Return the first groups, with so many keys in all, and one of each at least."""
    groups = groups[:max_groups]
    shown = []
    for others, group in zip(reversed(range(len(groups))), groups, strict=True):
        keys = group["keys"][: max_keys - others]
        shown.append({**group, "keys": keys})
        max_keys -= len(keys)
    return shown


def _shorten(texts, count):
    """Return the first texts, and a sign that there are more."""
    return texts if len(texts) <= count else [*texts[:count], "…"]
