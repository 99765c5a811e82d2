"""Indexes that no model names any more: Odoo leaves them where they are."""


def migrate(cr, version):
    # Another one, of two columns, does its work.
    cr.execute("DROP INDEX IF EXISTS software_license__expires_at_index")
