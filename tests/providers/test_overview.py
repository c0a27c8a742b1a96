"""The table of providers is written from the code."""

from pathlib import Path

from providers import overview, registry

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


def test_the_documentation_holds_the_table_as_the_code_has_it() -> None:
    assert PAGE.read_text() == overview.markdown()


def test_every_provider_has_a_row_of_full_width() -> None:
    rows = overview.rows()

    assert [row.key for row in rows] == [key for key, _label in registry.choices()]
    assert {len(row.cells) for row in rows} == {len(overview.HEADINGS)}
    assert all(all(row.cells) for row in rows)
