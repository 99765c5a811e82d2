"""Tables that read well as text, too."""


def table(lines):
    """Return lines of cells as a table in Markdown, the first of them its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *rows = (
        [cell.ljust(widths[0]) if n == 0 else cell.rjust(widths[n]) for n, cell in it]
        for it in map(enumerate, lines)
    )
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
