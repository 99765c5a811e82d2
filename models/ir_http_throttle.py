import logging

from odoo import SUPERUSER_ID, models
from odoo.http import request

from ..tools import throttle
from ..tools.errors import LicenseApiError, RateLimited

_logger = logging.getLogger(__name__)

#: Failed look-ups a minute and client address; 0: any number.
LIMIT = "software_license.failed_lookups_per_minute"
DEFAULT_LIMIT = 60
#: Addresses and networks that are never refused.
TRUSTED = "software_license.trusted_networks"


class IrHttp(models.AbstractModel):
    """Whoever tries keys is sent away until the minute is over.

    Only look-ups that fail are counted, so that a good client may ask as often as it
    likes. Once an address is over the limit, each of its calls is refused, with a
    good key, too: else it could go on trying, and would see which key is good.

    Routes with ``is_throttled`` take part. A call costs a look at the table in
    memory; the settings are read only for an address that failed in this minute.
    """

    _inherit = "ir.http"

    @classmethod
    def _pre_dispatch(cls, rule, args):
        res = super()._pre_dispatch(rule, args)
        if rule.endpoint.routing.get("is_throttled"):
            _refuse_who_failed_too_often()
        return res

    @classmethod
    def _dispatch(cls, endpoint):
        if not endpoint.routing.get("is_throttled"):
            return super()._dispatch(endpoint)
        try:
            return super()._dispatch(endpoint)
        except LicenseApiError as error:
            if error.is_failed_lookup:
                _count_failure()
            raise


def _refuse_who_failed_too_often():
    count = throttle.failed_lookups.get(_get_client())
    if not count:
        return
    limit = _get_limit()
    if limit and count >= limit and not _is_trusted():
        raise RateLimited(throttle.failed_lookups.seconds_left())


def _count_failure():
    count = throttle.failed_lookups.add(_get_client())
    if count == _get_limit() and not _is_trusted():
        _logger.warning(
            "%s tried %s unknown license keys in a minute: refused until it is over",
            request.httprequest.remote_addr,
            count,
        )


def _get_client():
    """Return what the caller is counted as: an address, apart in each database."""
    return f"{request.db} {throttle.client(request.httprequest.remote_addr)}"


def _get_limit():
    value = _get_param(LIMIT, DEFAULT_LIMIT)
    return int(value) if str(value).isdecimal() else DEFAULT_LIMIT


def _is_trusted():
    networks = throttle.read_networks(_get_param(TRUSTED, "")).good
    return throttle.is_in(request.httprequest.remote_addr, networks)


def _get_param(key, default):
    parameters = request.env["ir.config_parameter"].with_user(SUPERUSER_ID)
    return parameters.get_param(key, default)
