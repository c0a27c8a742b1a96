"""The GSM-7 alphabet, and whether a text needs more than one SMS. Pure.

Source of the alphabet: 3GPP TS 23.038, the default alphabet and its extension table.
"""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")

SEPTETS, WIDE_UNITS = 160, 70


def culprit(text: str) -> str:
    """Return the first character that GSM-7 does not have, empty if it has them all."""
    return next((c for c in text if c not in BASIC and c not in EXTENDED), "")


def widths(text: str) -> list[int]:
    """Return what each character takes: septets, or 16-bit units where GSM-7 lacks one of them."""
    if culprit(text):
        return [2 if ord(c) > 0xFFFF else 1 for c in text]
    return [2 if c in EXTENDED else 1 for c in text]


def fits_one_sms(text: str) -> bool:
    """Say whether a text needs no more than one SMS."""
    return sum(widths(text)) <= (WIDE_UNITS if culprit(text) else SEPTETS)
