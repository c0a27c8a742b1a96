"""What an adapter asks the administrator for: the fields of a trunk's form and of a file."""

import dataclasses
import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack, cast


@dataclass(frozen=True, kw_only=True)
class CredentialField:
    """One value that an adapter asks the administrator for.

    ``choices`` are (value, label) pairs, empty where anything may be typed; ``default`` stands in
    for an empty value. ``multiline`` allows line breaks. ``generated`` is a secret that we make up
    and the administrator enters at the provider.
    """

    name: str
    label: str
    secret: bool
    required: bool
    pattern: str
    help: str
    choices: tuple[tuple[str, str], ...]
    default: str
    multiline: bool
    generated: bool


class Traits(TypedDict, total=False):
    """How a field differs from a plain required text, see ``CredentialField``.

    ``pattern`` is a regular expression that the whole value must match.
    """

    secret: bool
    required: bool
    pattern: str
    help: str
    choices: Sequence[tuple[str, str]]
    default: str
    multiline: bool
    generated: bool


def credential(label: str, **traits: Unpack[Traits]) -> Any:
    """Declare one field of a Credentials dataclass.

    One with a default, or with ``required=False``, may be left empty.
    """
    default = traits.get("default", "")
    metadata = {
        "label": label,
        "secret": traits.get("secret", False),
        "pattern": traits.get("pattern", ""),
        "help": traits.get("help", ""),
        "choices": tuple(traits.get("choices", ())),
        "multiline": traits.get("multiline", False),
        "generated": traits.get("generated", False),
    }
    shown = not metadata["secret"]
    if traits.get("required", True) and not default:
        return field(metadata=metadata, repr=shown)
    return field(default=default, metadata=metadata, repr=shown)


def credential_fields(credentials_type: type[Any]) -> tuple[CredentialField, ...]:
    """Describe the fields of a Credentials dataclass, in order, for a form or a file."""
    return _described(cast("Hashable", credentials_type))


@functools.cache
def _described(credentials_type: Any) -> tuple[CredentialField, ...]:
    return tuple(
        CredentialField(
            name=item.name,
            required=item.default is dataclasses.MISSING,
            default="" if item.default is dataclasses.MISSING else str(item.default),
            **item.metadata,
        )
        for item in dataclasses.fields(credentials_type)
    )
