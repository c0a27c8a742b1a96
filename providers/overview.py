"""What every provider can do, as one table: for the admin, and for the documentation.

``python -m providers.overview`` writes it as Markdown.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from providers import registry
from providers.abilities import ListsNumbers, PollsReceipts, ReadsWebhook, SetsWebhook
from providers.contract import Provider
from providers.credentials import credential_fields

HEADINGS = (
    "Provider",
    "Texts",
    "MMS",
    "Group MMS",
    "Sender ID",
    "Receipts",
    "Webhooks prove themselves by",
    "From here",
)


@dataclass(frozen=True)
class Row:
    """One provider; every cell is a few words."""

    key: str
    cells: tuple[str, ...]


def rows() -> list[Row]:
    """Return the table, by label."""
    return [Row(key, (label, *_cells(registry.get(key)))) for key, label in registry.choices()]


def _cells(adapter: type[Provider[Any]]) -> tuple[str, ...]:
    able = adapter.capabilities
    return (
        "both ways" if able.inbound else "out only",
        _mms(adapter),
        f"up to {able.group} people" if able.group else "no",
        "yes" if able.sender_id else "no",
        _receipts(adapter),
        _proof(adapter),
        _abilities(adapter),
    )


def _mms(adapter: type[Provider[Any]]) -> str:
    able = adapter.capabilities
    if not able.mms:
        return "no"
    limits = []
    if able.max_media:
        limits.append(f"{able.max_media} file{'s' if able.max_media > 1 else ''}")
    if able.max_file_bytes:
        limits.append(f"{_size(able.max_file_bytes)} each")
    if able.max_media_bytes:
        limits.append(f"{_size(able.max_media_bytes)} together")
    return ", ".join(limits) or "yes"


def _size(count: int) -> str:
    return f"{count / 1_000_000:g} MB" if count >= 1_000_000 else f"{count / 1000:g} kB"


def _receipts(adapter: type[Provider[Any]]) -> str:
    if issubclass(adapter, PollsReceipts):
        return "asked for"
    return "yes" if adapter.capabilities.receipts else "no"


def _proof(adapter: type[Provider[Any]]) -> str:
    if not adapter.capabilities.inbound:
        return "none are taken"
    fields = credential_fields(adapter.credentials_type)
    if adapter.capabilities.signed_webhooks:
        optional = any("sign" in field.name and not field.required for field in fields)
        return "signature, if its secret is entered" if optional else "signature"
    if any(field.generated for field in fields):
        return "name and password, if entered"
    return "secret address only"


def _abilities(adapter: type[Provider[Any]]) -> str:
    kinds = {
        "import numbers": ListsNumbers,
        "set the webhook": SetsWebhook,
        "check the webhook": ReadsWebhook,
    }
    return ", ".join(name for name, kind in kinds.items() if issubclass(adapter, kind)) or "-"


def markdown() -> str:
    """Return the table as a page of documentation."""
    lines = [
        "# Providers",
        "",
        "Written by `python -m providers.overview > docs/providers.md`. What a provider does not",
        "publish is left out.",
        "",
        _line(HEADINGS),
        _line(["---"] * len(HEADINGS)),
        *(_line(row.cells) for row in rows()),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
