"""SOAP 1.1, document/literal: writes a call, finds its result, and says whose fault a fault is."""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from providers.answer import Answer
from providers.errors import Rejected, Unconfirmed
from providers.payload import Payload

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "text/xml; charset=utf-8"
# Not even an escape may stand for these in XML 1.0.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def call(namespace: str, operation: str, fields: Mapping[str, str]) -> tuple[bytes, str]:
    """Return a call and its content type; what XML does not allow is left out of the values."""
    envelope = Element("soap:Envelope", {"xmlns:soap": ENVELOPE})
    inner = SubElement(SubElement(envelope, "soap:Body"), operation, {"xmlns": namespace})
    for name, value in fields.items():
        SubElement(inner, name).text = ILLEGAL.sub("", value)
    return tostring(envelope, encoding="utf-8", xml_declaration=True), CONTENT_TYPE


def result(answer: Answer, operation: str) -> Payload:
    """Return the result of a call, by local names."""
    body = answer.child("Envelope").child("Body")
    return body.child(f"{operation}Response").child(f"{operation}Result")


def require_no_fault(answer: Answer) -> None:
    """Raise what a fault means: a client's is ours, any other may have happened too late."""
    body = answer.child("Envelope").child("Body")
    if "Fault" not in body:
        return
    fault = body.child("Fault")
    code, said = fault.text("faultcode", ""), fault.text("faultstring", "")
    if code.endswith("Client"):
        raise Rejected(f"The provider does not understand the request: {said}", code=code)
    raise Unconfirmed(f"The provider has a fault of its own: {said}", code=code)
