"""VoIP Innovations: what leaves as XML, what never leaves, and files that arrive as text."""

import base64
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import embedded, registry, soap
from providers.contract import Broken, OutboundMessage
from providers.download import Media
from providers.errors import Rejected, SendError, Unconfirmed
from tests.providers.cases import of

TEXT = OutboundMessage(reference="r", sender="+12025550188", recipient="+12025550123", text="x")
LOGIN = of("voipinnovations")[0].credentials
PATHS = st.text(st.characters(codec="utf-8", exclude_characters="'\"\\/"), min_size=1, max_size=20)
FILES = st.dictionaries(PATHS, st.binary(max_size=60), max_size=4)


def read(text: str) -> list[Media | Broken]:
    """Return the files of a text."""
    return list(embedded.dictionary(text))


def media(text: str) -> list[Media]:
    """Return those that could be read."""
    return [one for one in read(text) if isinstance(one, Media)]


def test_media_without_cpaas_keys_is_refused_before_any_call(
    edge: responses.RequestsMock,
) -> None:
    message = replace(TEXT, media_urls=("https://sms.example.com/m/a.jpg",))
    for values in (LOGIN, {**LOGIN, "cpaas_api_key": "key alone"}):
        with pytest.raises(Rejected, match="Enter both"):
            registry.build("voipinnovations", values).send(message)
    assert not edge.calls


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        ("error_901.xml", "Enter it as Server IP"),
        ("error_sender.xml", "Add it under SMS there"),
        ("error_tn.xml", "Check both"),
        ("error_other.xml", "refused: Something new"),
    ],
)
def test_a_refusal_says_what_to_do_next(
    edge: responses.RequestsMock, file: str, advice: str
) -> None:
    case = next(case for case in of("voipinnovations") if case.data.get("file") == file)
    edge.post("https://backoffice.voipinnovations.com/Services/APIService.asmx", body=case.body)
    with pytest.raises(SendError, match=advice):
        case.adapter().send(TEXT)


def test_every_cpaas_host_is_reached_and_no_other(edge: responses.RequestsMock) -> None:
    keys = {**LOGIN, "cpaas_api_key": "k", "cpaas_api_secret": "s"}
    hosts = registry.get("voipinnovations").other_bases
    for host in hosts:
        edge.post(f"{host}/k/sms/send", json={"ok": True})
        adapter = registry.build("voipinnovations", {**keys, "cpaas_host": host})
        assert adapter.send(TEXT).provider_id == ""
    assert len(edge.calls) == len(hosts)
    with pytest.raises(ValueError, match="none of"):
        registry.build("voipinnovations", {**keys, "cpaas_host": "https://evil.example"})


def test_a_secret_stays_hidden_however_xml_writes_it(edge: responses.RequestsMock) -> None:
    secret = "a<b>&\"c'"
    edge.post("https://backoffice.voipinnovations.com/Services/APIService.asmx", body=b"")
    adapter = registry.build("voipinnovations", {**LOGIN, "api_secret": secret})
    with pytest.raises(Unconfirmed) as caught:
        adapter.send(TEXT)
    kept = caught.value.request
    assert "<message>x</message>" in kept
    assert "b&gt;" not in kept
    assert secret not in kept


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_leaves_as_xml_that_says_the_same(text: str) -> None:
    body, _ = soap.call("http://tempuri.org/", "SendSMS", {"message": text})
    found = ET.fromstring(body).find(".//{http://tempuri.org/}message")  # noqa: S314 - our own
    assert found is not None
    # A parser turns every line ending into one kind.
    lines = soap.ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    assert (found.text or "") == lines


@settings(deadline=None)
@given(files=FILES)
def test_short_and_long_dictionaries_are_read_alike(files: dict[str, bytes]) -> None:
    text = str({name: base64.b64encode(body).decode() for name, body in files.items()})
    padded = text + " " * embedded.MAX_LITERAL
    kept = [one for one in files if not one.lower().endswith(".smil")]
    assert [one.body for one in media(text)] == [files[name] for name in kept]
    if all(name.isprintable() for name in files):
        assert read(padded) == read(text)


@pytest.mark.parametrize(
    "text",
    ["-" * 90_000 + "1", "(" * 90_000, "1+" * 45_000 + "1", "\x00" * 9, "{'a':", "{1: 2", "a" * 9],
)
def test_a_text_that_is_no_dictionary_costs_nothing_but_itself(text: str) -> None:
    assert read(text) == [Broken(detail="files: not a dictionary of names and Base64")]


def test_a_file_has_a_name_and_never_a_path() -> None:
    names = ["../../etc/passwd.png", "C:\\x\\y.png", "/.png", "a\u202eb.png"]
    text = str(dict.fromkeys(names, "aGk="))
    assert [one.name for one in media(text)] == ["passwd.png", "y.png", ".png", "ab.png"]
