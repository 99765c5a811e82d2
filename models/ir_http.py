from werkzeug.exceptions import NotFound

from odoo import models
from odoo.http import request

from ..controllers.dispatcher import LicenseApiDispatcher
from ..tools.errors import AddressNotFound

API_ROOTS = ("/api/licenses/", "/api/v1/licensing/")


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _match(cls, path_info):
        """Below the API's roots, the API tells of what does not exist, in JSON."""
        if not _is_api(path_info):
            return super()._match(path_info)
        request.dispatcher = LicenseApiDispatcher(request)
        try:
            return super()._match(path_info)
        except NotFound as error:
            # Anything else would let Odoo look for a web page or an attachment.
            raise AddressNotFound() from error


def _is_api(path):
    return f"{path}/".startswith(API_ROOTS)
