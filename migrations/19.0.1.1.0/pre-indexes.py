"""Indexes that no model names any more: Odoo leaves them where they are."""


def migrate(cr, version):
    # Others, of more columns, do their work.
    cr.execute("DROP INDEX IF EXISTS software_license__expires_at_index")
    cr.execute("DROP INDEX IF EXISTS software_license_activation__license_id_index")
