"""Cells of files that spreadsheets open: what one would run as a formula is marked as text."""

import re

# A cell that begins like this is a formula to a spreadsheet; an apostrophe makes it text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return what was written into a cell, without its mark."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
