"""What the scripts of dev/ stand on: Odoo, PostgreSQL, Python packages, servers.

Everything made here lives in `.dev/` of the checkout. The modules, bottom up:
`console` and `paths`; `debian`, `odoo`, `venv`, `oca` fetch; `postgres`, `database`,
`server` run; `workplace` puts them together for a script or a test.
"""
