"""The rules of the house that no tool checks: sizes, names, boundaries, what an adapter brings."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from providers import registry
from tests.providers.cases import FIXTURES

ROOT = Path(__file__).parent.parent
JUNK = {"utils", "helpers", "common", "base", "core", "manager", "service", "handler", "misc"}
KEYS = sorted(registry.all())
# Around one row, one step or one call, where a fault must not stop the others.
CATCH_ALL = {"sms/intake.py", "sms/sweep.py", "sms/dispatch.py"}


def modules(*folders: str) -> list[Path]:
    """Return our modules below the folders; generated migrations are not ours to shape."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


PRODUCT = modules("portal", "sms", "providers")
TESTS = modules("tests")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def called(path: Path) -> str:
    """Return a path as people write it."""
    return path.relative_to(ROOT).as_posix()


def offences(paths: Iterable[Path], rule: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """Return what each of the files does against the rule."""
    return {called(path): found for path in paths if (found := rule(path))}


def tree(path: Path) -> ast.Module:
    """Read a module."""
    return ast.parse(path.read_text())


def calls(path: Path) -> Iterator[ast.Call]:
    """Walk through the calls of a module."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def last_name(call: ast.Call) -> str:
    """Return the name of what is called, without where it comes from."""
    return ast.unparse(call.func).rpartition(".")[2]


def test_a_module_can_be_read_in_one_sitting() -> None:
    def too_long(path: Path) -> list[str]:
        limit = 250 if path.parent.name == "adapters" else 300
        lines = len(path.read_text().splitlines())
        return [f"{lines} lines"] if lines > limit else []

    assert offences(PRODUCT, too_long) == {}


def test_a_module_is_named_by_what_it_knows() -> None:
    junk = JUNK | {f"{word}s" for word in JUNK}

    def nameless(path: Path) -> list[str]:
        return sorted({path.stem, *path.relative_to(ROOT).parts} & junk)

    assert offences(PRODUCT, nameless) == {}


def test_what_others_use_says_what_it_does() -> None:
    def silent(path: Path) -> list[str]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return [
            node.name
            for node in tree(path).body
            if isinstance(node, kinds)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ]

    assert offences(PRODUCT, silent) == {}


def test_no_provider_is_named_outside_its_adapter() -> None:
    def named(path: Path) -> list[str]:
        nodes = ast.walk(tree(path))
        return [
            node.value for node in nodes if isinstance(node, ast.Constant) and node.value in KEYS
        ]

    outside = [path for path in PRODUCT if path.parent.name != "adapters"]
    # The sandbox is no outside world: its numbers are pretended, its calls end at the Handset.
    assert offences(outside, named) == {"portal/models/trunk.py": ["sandbox"]}


def test_only_what_stands_around_a_row_catches_everything() -> None:
    def caught(path: Path) -> list[str]:
        return [
            f"line {node.lineno}"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ExceptHandler)
            and (node.type is None or ast.unparse(node.type) == "Exception")
        ]

    assert set(offences(PRODUCT, caught)) == CATCH_ALL


def test_long_waits_live_in_rows_and_not_in_the_broker() -> None:
    def waits(path: Path) -> list[str]:
        return [
            ast.unparse(call)
            for call in calls(path)
            if last_name(call) in {"apply_async", "delay", "retry"}
            or {"countdown", "eta"} & {word.arg for word in call.keywords}
        ]

    assert offences(PRODUCT, waits) == {}


def test_every_exception_from_a_tools_rule_names_its_reason() -> None:
    def bare(path: Path) -> list[str]:
        marks = re.findall(r"# (?:noqa|type: ?ignore).*", path.read_text())
        reasoned = r"# (noqa: [A-Z0-9, ]+|type: ?ignore\[[a-z, -]+\]) [-#] \w.*"
        return [mark for mark in marks if not re.fullmatch(reasoned, mark)]

    assert offences([*PRODUCT, *TESTS], bare) == {}


def test_a_test_neither_sleeps_nor_is_skipped_nor_replaces_our_own_code() -> None:
    def cheats(path: Path) -> list[str]:
        ours = re.compile(r"[\w.]*(patch|setattr)\('(sms|portal|providers)\.")
        return [
            ast.unparse(call)
            for call in calls(path)
            if last_name(call) in {"sleep", "skip", "skipif", "xfail"}
            or ours.match(ast.unparse(call))
        ]

    assert offences(TESTS, cheats) == {}


def test_every_word_that_a_page_shows_can_be_translated() -> None:
    hidden = (
        r"\{#.*?#\}",
        r"\{%\s*comment.*?endcomment\s*%\}",
        r"\{%\s*blocktrans(?:late)?\b.*?endblocktrans(?:late)?\s*%\}",
        r"\{%\s*block \w*class\w*\s*%\}.*?\{%\s*endblock\s*%\}",
        r"<!--.*?-->",
        r"<(script|style|svg)\b.*?</\1>",
        r"\{%.*?%\}",
        r"\{\{.*?\}\}",
    )

    def literal(path: Path) -> list[str]:
        markup = path.read_text()
        for pattern in hidden:
            markup = re.sub(pattern, " ", markup, flags=re.DOTALL)
        said = re.findall(r'\b(?:title|aria-label|placeholder|alt)="([^"]*)"', markup)
        shown = " ".join([re.sub(r"<[^>]*>", " ", markup), *said])
        return re.findall(r"[^\W\d_]{2,}", re.sub(r"&#?\w+;", " ", shown))

    assert offences(TEMPLATES, literal) == {}


@pytest.mark.parametrize("key", KEYS)
def test_an_adapter_brings_its_guide_its_tests_and_its_samples(key: str) -> None:
    # Which samples it must have, tests/providers/test_contract.py asks of its capabilities.
    assert registry.guide(key)
    assert (ROOT / "tests" / "providers" / f"test_{key}.py").is_file()
    assert (FIXTURES / key / "cases.json").is_file()
