import logging

from ..tools.address import mask_keys


class MaskKeys(logging.Filter):
    """Keeps license keys that stand in an address out of the server's access log."""

    def filter(self, record):
        record.msg = (
            mask_keys(record.msg) if isinstance(record.msg, str) else record.msg
        )
        if isinstance(record.args, tuple):
            record.args = tuple(
                mask_keys(it) if isinstance(it, str) else it for it in record.args
            )
        return True


logging.getLogger("werkzeug").addFilter(MaskKeys())
