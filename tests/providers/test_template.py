"""Templates of requests: nothing that is put in changes their shape, and mistakes are named."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import template
from providers.payload import xml_root

KNOWN = ("to", "text", "media")
JSON = (
    '{"to": ["{to}", 1.5, null], "say": "<{text}>{to}", "files": {"all": "{media}"},'
    ' "list": ["{media}"]}'
)
FORM = "to={to}&text=%22{text}+{to}%22\n\nurl={media}\n&flag=&flag=2"
XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<s:send xmlns:s="urn:x" s:to="{to}" say=\'{text}\'>a{text}b<i/>{to}'
    '<s:file to="{to}">\n {media}</s:file><other>{text}</other></s:send>\n'
)
BREAKERS = ["{text}", "{media}", "{to", '"', "'", "\\", "]]>", "<!--", "&amp;", "&", "</s:send>"]
BREAKERS += ["\r\n", "\x00", "\x0b", "\ufffe", '","x":"', "a&b=c", "+", "%41", "\ud800", "🥐"]
ODD = st.text(st.characters(codec="utf-8")) | st.sampled_from(BREAKERS)
FILES = st.lists(ODD, max_size=3)


def plain(text: str) -> str:
    """Return a text without what can be stored nowhere."""
    return text.replace("\x00", "").replace("\ud800", "\ufffd")


def shape(element: Element) -> Any:
    """Return an element's names, without texts and values."""
    return element.tag, sorted(element.attrib), [shape(child) for child in element]


@pytest.mark.parametrize(("kind", "text"), [("json", JSON), ("form", FORM), ("xml", XML)])
def test_a_template_names_its_placeholders(kind: str, text: str) -> None:
    assert template.check(kind, text, KNOWN) == {"to", "text", "media"}
    assert template.check(kind, "", KNOWN) == frozenset()


@settings(max_examples=300, deadline=None)
@given(to=ODD, text=ODD, media=FILES)
def test_no_value_changes_the_shape_of_json(to: str, text: str, media: list[str]) -> None:
    filled = json.loads(template.fill_json(JSON, {"to": to, "text": text}, list(map(plain, media))))
    to, text, media = plain(to), plain(text), list(map(plain, media))
    files = {"all": media} if media else {}
    assert filled == {"to": [to, 1.5, None], "say": f"<{text}>{to}", "files": files, "list": media}


@settings(max_examples=300, deadline=None)
@given(to=ODD, text=ODD, media=FILES)
def test_no_value_changes_the_shape_of_a_form(to: str, text: str, media: list[str]) -> None:
    media = [plain(url) for url in media]
    pairs = template.fill_form(FORM, {"to": to, "text": text}, media)
    assert parse_qsl(urlencode(pairs), keep_blank_values=True) == [
        ("to", plain(to)),
        ("text", f'"{plain(text)} {plain(to)}"'),
        *(("url", url) for url in media),
        ("flag", ""),
        ("flag", "2"),
    ]


@settings(max_examples=300, deadline=None)
@given(to=ODD, text=ODD, media=FILES)
def test_no_value_changes_the_shape_of_xml(to: str, text: str, media: list[str]) -> None:
    root = xml_root(template.fill_xml(XML, {"to": to, "text": text}, media))
    to, text = (template.NOT_XML.sub("\ufffd", plain(value)) for value in (to, text))
    urls = [template.NOT_XML.sub("\ufffd", plain(url)) for url in media]
    empty, *files, other = list(root)
    assert shape(root) == shape(xml_root(template.fill_xml(XML, {"to": "", "text": ""}, media)))
    assert root.attrib == {"{urn:x}to": to, "say": text}
    assert (root.text, empty.tail or "", other.text or "") == (f"a{text}b", to, text)
    assert [(file.attrib, file.text) for file in files] == [
        ({"to": to}, f"\n {url}") for url in urls
    ]


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("json", '{"a": "{phone}"}', r"unknown placeholder \{phone\}; known are \{to\} \{text\}"),
        ("json", '{"a": "{}"}', r"unknown placeholder \{\}"),
        ("json", '{"a": "{to.__class__}"}', r"unknown placeholder \{to\.__class__\}"),
        ("json", '{"a": "{to!r}"}', r"unknown placeholder \{to!r\}"),
        ("json", '{"a": "{ to }"}', r"unknown placeholder \{ to \}"),
        ("json", '{"a": "{{to}}"}', r"a \{ that belongs to no placeholder"),
        ("json", '{"a": "to}"}', r"a \} that belongs to no placeholder"),
        ("json", '{"a": {to}}', "is not JSON"),
        ("json", '{"a": NaN}', "is not JSON"),
        ("json", '"{to}"', "is not JSON"),
        ("json", "[" * 5000, "is not JSON"),
        ("json", "[" * 60 + "]" * 60, "more than 50 levels"),
        ("json", '{"{to}": 1}', "a brace in the name"),
        ("json", '{"a": "see {media}"}', r"\{media\} beside other text"),
        ("form", "a", "is no form"),
        ("form", "a=%ff", "is no form"),
        ("form", "{to}=1", "a brace in the name"),
        ("form", 'a={"to":"{to}"}', "that belongs to no placeholder"),
        ("form", "a={phone}", r"unknown placeholder \{phone\}"),
        ("form", "a={media},", r"\{media\} beside other text"),
        ("xml", "<a>{to}", "is not XML"),
        ("xml", "<{to}/>", "is not XML"),
        ("xml", '<a {to}="1"/>', "is not XML"),
        ("xml", "<a>{phone}</a>", r"unknown placeholder \{phone\}"),
        ("xml", "<a>{</a>", "that belongs to no placeholder"),
        ("xml", "<a>{<b/>}</a>", "neither in a text"),
        ("xml", "<a><!-- {to} --></a>", "a comment, CDATA or DOCTYPE"),
        ("xml", "<a><![CDATA[{text}]]></a>", "a comment, CDATA or DOCTYPE"),
        ("xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "a comment, CDATA or DOCTYPE"),
        ("xml", "<a><?run {to}?></a>", "neither in a text"),
        ("xml", '<a xmlns="{to}"/>', "is not XML"),
        ("xml", "<a>&#123;to&#125;</a>", "neither in a text"),
        ("xml", '<?xml version="1.0" encoding="ISO-8859-1"?><a>{to}</a>', "another encoding"),
        ("xml", "<a>{media}</a>", "all of an inner element"),
        ("xml", "<a><b>{media},</b></a>", "all of an inner element"),
        ("xml", "<a><b>{media}<c/></b></a>", "all of an inner element"),
        ("xml", '<a><b c="{media}"/></a>', "all of an inner element"),
    ],
)
def test_a_wrong_template_is_refused_by_name(kind: str, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        template.check(kind, text, KNOWN)


def test_a_template_that_is_hard_to_match_is_not_slow() -> None:
    text = f"<a>{'<' + 'b' * 50_000}>{{to}}</{'b' * 50_000}></a>"
    assert template.check("xml", text, KNOWN) == {"to"}
    assert template.fill_xml(text, {"to": "1"}, ()).count(b"1") == 1


def test_a_plain_text_is_filled_once() -> None:
    assert template.placeholders("Key {to}", KNOWN) == {"to"}
    assert template.fill("Key {to}", {"to": "{text}", "text": "no"}) == "Key {text}"
