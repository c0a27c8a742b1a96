"""How an adapter's set-up guide is laid out: paragraphs, numbered steps and points."""

import re
from dataclasses import dataclass, field

_STEP = re.compile(r"[0-9]+\.\s+")
_POINT = re.compile(r"[-*]\s+")


@dataclass
class Block:
    """One paragraph, or the items of one list."""

    kind: str
    lines: list[str] = field(default_factory=list)


def blocks(guide: str) -> list[Block]:
    """Read the text of a guide; nothing of it is markup, the page escapes it."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", guide.replace("``", "").strip()):
        block = Block("text")
        for line in part.splitlines():
            kind, text = _line(line.strip())
            if kind:
                found += [block] if block.lines and block.kind != kind else []
                block = block if block.kind == kind else Block(kind)
                block.lines.append(text)
            elif block.lines:
                block.lines[-1] += f" {text}"
            else:
                block.lines.append(text)
        found.append(block)
    return [block for block in found if block.lines]


def _line(line: str) -> tuple[str, str]:
    for kind, start in (("steps", _STEP), ("points", _POINT)):
        if match := start.match(line):
            return kind, line[match.end() :]
    return "", line
