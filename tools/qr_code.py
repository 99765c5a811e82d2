"""A QR code as a drawing: sharp on paper, and made without an image library."""

import re
from base64 import b64encode

from reportlab.graphics.barcode.qr import QrCodeWidget

#: White around the code, in modules, as ISO/IEC 18004 asks for.
MARGIN = 4
#: Up to 15 % of it may be smudged.
LEVEL = "M"


def to_data_uri(text):
    """Return the address of an image that holds the QR code of a text."""
    return f"data:image/svg+xml;base64,{b64encode(to_svg(text).encode()).decode()}"


def to_svg(text):
    """Return the SVG document of a text's QR code, one unit for each module."""
    code = QrCodeWidget(text, barLevel=LEVEL).qr
    code.make()
    side = code.getModuleCount()
    path = "".join(_draw_row(code, row, side) for row in range(side))
    size = side + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" '
        f'width="{size}" height="{size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path d="{path}"/></svg>'
    )


def _draw_row(code, row, side):
    """Return the path of one row: a bar for each run of dark modules."""
    modules = "".join(".#"[code.isDark(row, column)] for column in range(side))
    return "".join(
        f"M{run.start() + MARGIN} {row + MARGIN}h{len(run[0])}v1h-{len(run[0])}z"
        for run in re.finditer("#+", modules)
    )
