from odoo import http


class Noop(http.Controller):
    """What an answer costs that says nothing: Odoo's own part of every other.

    No part of the product. The servers of dev/bench load it (``server_wide_modules``),
    no database has it installed.
    """

    @http.route(
        "/bench/noop", type="http", auth="none", methods=["GET"], save_session=False
    )
    def noop(self):
        return "nothing"
