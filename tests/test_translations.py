from io import BytesIO

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools import file_path
from odoo.tools.translate import trans_export


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    def test_the_template_holds_every_text_and_no_other(self):
        """When it fails: run dev/pot."""
        buffer = BytesIO()
        trans_export(None, ["software_license"], buffer, "po", self.env)
        exported = polib.pofile(buffer.getvalue().decode())
        shipped = polib.pofile(file_path("software_license/i18n/software_license.pot"))
        self.assertEqual(
            {entry.msgid for entry in exported} ^ {entry.msgid for entry in shipped},
            set(),
        )
