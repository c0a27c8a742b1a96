"""Forms on their own: what a trunk's form asks for, and how guides and ranges are read."""

import pytest
from django import forms

from portal.admin.guide import blocks
from portal.forms import CREDENTIAL, trunk_form
from providers import registry
from providers.credentials import credential_fields


@pytest.mark.parametrize("provider", sorted(registry.all()))
def test_every_provider_gets_the_fields_it_declares(provider: str) -> None:
    form = trunk_form(provider)
    declared = credential_fields(registry.get(provider).credentials_type)

    for field in declared:
        grown = form.declared_fields[CREDENTIAL + field.name]
        assert grown.label == field.label
        assert grown.required == field.required
        # What we made up is shown until it is saved; a key of several lines needs them.
        hidden = field.secret and not field.generated and not field.multiline
        assert isinstance(grown.widget, forms.PasswordInput) == hidden


@pytest.mark.parametrize("provider", sorted(registry.all()))
def test_every_guide_has_steps(provider: str) -> None:
    guide = blocks(registry.guide(provider))

    assert any(block.kind == "steps" and len(block.lines) > 1 for block in guide)
    assert not any("``" in line for block in guide for line in block.lines)


def test_a_guide_is_laid_out_by_its_lines() -> None:
    found = blocks("Hello\nthere.\n\nDo:\n\n1. One\n   goes on\n2. Two\n\n- a\n- b\n  c\n")

    assert [(block.kind, block.lines) for block in found] == [
        ("text", ["Hello there."]),
        ("text", ["Do:"]),
        ("steps", ["One goes on", "Two"]),
        ("points", ["a", "b c"]),
    ]
