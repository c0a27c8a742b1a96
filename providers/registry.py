"""Which adapters exist, and how stored values become a working one."""

import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from providers import adapters
from providers.contract import Provider
from providers.credentials import CredentialField, credential_fields
from providers.http import Http


@functools.cache
def all() -> Mapping[str, type[Provider[Any]]]:  # noqa: A001 - called as registry.all()
    """Return every adapter class by its key; the file in ``adapters/`` is the registration."""
    found: dict[str, type[Provider[Any]]] = {}
    for module in pkgutil.iter_modules(adapters.__path__):
        adapter = importlib.import_module(f"{adapters.__name__}.{module.name}").ADAPTER
        require_key(adapter, module.name)
        found[adapter.key] = adapter
    return found


def require_key(adapter: type[Provider[Any]], file_name: str) -> None:
    """Refuse an adapter whose key is not the name of its file."""
    if adapter.key != file_name:
        raise ValueError(f"adapters/{file_name}.py declares the key {adapter.key!r}")


def get(key: str) -> type[Provider[Any]]:
    """Return one adapter class; ``LookupError`` in plain words for an unknown key."""
    try:
        return all()[key]
    except KeyError:
        known = ", ".join(sorted(all()))
        raise LookupError(f"there is no provider {key!r}; known are: {known}") from None


def choices() -> list[tuple[str, str]]:
    """Return (key, label) pairs by label, for a form or a model field."""
    return sorted(
        ((key, adapter.label) for key, adapter in all().items()), key=lambda pair: pair[1]
    )


def guide(key: str) -> str:
    """Return the set-up guide of an adapter, with ``{webhook_url}`` where the URL goes."""
    return inspect.cleandoc(sys.modules[get(key).__module__].__doc__ or "")


def build(
    key: str,
    values: Mapping[str, str],
    *,
    api_base: str = "",
    trusted_hosts: frozenset[str] = frozenset(),
    door: type[Http] = Http,
) -> Provider[Any]:
    """Make an adapter from stored values; ``ValueError`` names the field that is wrong.

    ``door`` is the kind of door to the network that it gets.
    """
    adapter = get(key)
    fields = credential_fields(adapter.credentials_type)
    unknown = sorted(set(values) - {field.name for field in fields})
    if unknown:
        raise ValueError(f"{adapter.label} has no credential {', '.join(unknown)}")
    checked = {field.name: _checked(field, values.get(field.name, "")) for field in fields}
    credentials = adapter.credentials_type(**checked)
    named = adapter.base_of(credentials)
    own = named or adapter.api_base
    http = door(
        _base(api_base or own),
        aliases=(own, *adapter.other_bases) if api_base else (),
        other_bases=() if api_base else adapter.other_bases,
        trusted_hosts=trusted_hosts,
        guarded=bool(named) and not api_base,
        secrets=[checked[field.name] for field in fields if field.secret],
    )
    return adapter(credentials, http)


def _checked(field: CredentialField, value: str) -> str:
    """Return the value; complaints never repeat it, because it may be a secret."""
    if not value:
        if field.required:
            raise ValueError(f"{field.name} ({field.label}) is missing")
        return field.default
    # A key in PEM has lines; anywhere else a line break is a slip of the clipboard.
    has_lines = field.multiline or value.startswith("-----BEGIN")
    one_line = re.sub(r"[\r\n\t]", "", value) if has_lines else value
    if not one_line.isprintable():
        raise ValueError(f"{field.name} ({field.label}) contains a line break or the like")
    if field.choices and value not in dict(field.choices):
        known = ", ".join(choice for choice, _ in field.choices)
        raise ValueError(f"{field.name} ({field.label}) is none of: {known}")
    if field.pattern and not re.fullmatch(field.pattern, value):
        raise ValueError(f"{field.name} ({field.label}) does not look like one: {field.pattern}")
    return value


def _base(url: str) -> str:
    parts = urlsplit(url)
    surplus = parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in {"http", "https"} or not parts.hostname or surplus:
        raise ValueError("the API base must be http(s)://host[:port][/path] and nothing more")
    return url.rstrip("/")
