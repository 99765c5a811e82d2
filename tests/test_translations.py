import re
from io import BytesIO
from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools import file_path
from odoo.tools.translate import trans_export

LANGUAGES = {"de", "es", "fr", "ro", "zh_CN"}
#: What a translation may not change: placeholders, tags and expressions.
FIXED = re.compile(r"%\(\w+\)[sd]|%[sd]|</?[a-zA-Z][^>]*>|\{\{[^}]*\}\}")


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    def test_the_template_holds_every_text_and_no_other(self):
        """When it fails: run dev/pot."""
        buffer = BytesIO()
        trans_export(None, ["software_license"], buffer, "po", self.env)
        exported = polib.pofile(buffer.getvalue().decode())
        shipped = self._load("software_license.pot")
        self.assertEqual(
            {entry.msgid for entry in exported} ^ {entry.msgid for entry in shipped},
            set(),
        )

    def test_no_text_is_left_out_in_any_language(self):
        template = self._load("software_license.pot")
        wanted = {entry.msgid for entry in template}
        folder = Path(file_path("software_license/i18n"))
        self.assertEqual({path.stem for path in folder.glob("*.po")}, LANGUAGES)
        for language in sorted(LANGUAGES):
            entries = self._load(f"{language}.po")
            translated = {entry.msgid for entry in entries.translated_entries()}
            with self.subTest(language=language):
                self.assertEqual(wanted ^ translated, set())

    def test_translations_keep_placeholders_and_tags(self):
        for language in sorted(LANGUAGES):
            for entry in self._load(f"{language}.po"):
                with self.subTest(language=language, text=entry.msgid):
                    self.assertEqual(
                        sorted(FIXED.findall(entry.msgid)),
                        sorted(FIXED.findall(entry.msgstr)),
                    )

    def _load(self, name):
        return polib.pofile(file_path(f"software_license/i18n/{name}"))
