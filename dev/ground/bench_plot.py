"""The plot of dev/bench: a bar for each call, drawn as SVG by hand."""

from xml.sax.saxutils import escape

LEFT, WIDTH, TOP, STEP, BAR = 250, 420, 56, 30, 16
STYLE = """
text { font: 13px sans-serif; fill: #333 }
.bar { fill: #6b7fd7 } .missed { fill: #d78b6b }
.interval { stroke: #222; stroke-width: 1.5 } .target { stroke: #c0392b;
stroke-width: 3 } .grid { stroke: #ddd }
"""


def draw(rows, targets, subject):
    """Return the picture of rows with a ratio to the no-op: 1 is as fast as it."""
    height = TOP + STEP * len(rows) + 40
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {LEFT + WIDTH + 70} {height}">',
        f"<title>Speed of each call, as a part of a no-op's; {subject}</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="18">Requests a second ÷ those of a no-op of Odoo; '
        f"{subject}</text>",
        *(_draw_grid(tenth / 10, height) for tenth in range(0, 11, 2)),
    ]
    for number, row in enumerate(rows):
        parts += _draw_row(row, targets.get(row["call"]), TOP + STEP * number)
    legend = "Black: the 95 % interval. Red: the target."
    parts.append(f'<text x="{LEFT}" y="{height - 10}">{legend}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _draw_grid(value, height):
    x = _place(value)
    return (
        f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 14}" y2="{height - 34}"/>'
        f'<text x="{x}" y="{TOP - 20}" text-anchor="middle">{value:.1f}</text>'
    )


def _draw_row(row, target, top):
    """A bar, its 95 % interval, the target if there is one."""
    ratio = row["ratio"]["ratio"]
    low, high = map(_place, row["ratio"]["interval"])
    middle = top + BAR / 2
    kind = "bar missed" if target and ratio < target else "bar"
    yield f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">'
    yield f"{escape(row['call'])}</text>"
    yield f'<rect class="{kind}" x="{LEFT}" y="{top}" height="{BAR}" '
    yield f'width="{_place(ratio) - LEFT:.1f}"/>'
    yield f'<line class="interval" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
    if target:
        x = _place(target)
        yield f'<line class="target" x1="{x}" x2="{x}" '
        yield f'y1="{top - 4}" y2="{top + BAR + 4}"/>'
    yield f'<text x="{LEFT + WIDTH + 10}" y="{top + 13}">{ratio:.2f}</text>'


def _place(value):
    """Where a ratio is, from left to right; what is beyond the edge, at the edge."""
    return round(LEFT + min(value, 1.15) * WIDTH / 1.15, 1)
