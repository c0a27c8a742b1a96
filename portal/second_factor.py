"""A person's second factor: an authenticator app, and recovery codes for the day it is lost."""

from base64 import b32encode

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from portal.models import User

CODES = 10


class CodeRefused(Exception):
    """The code opens nothing; the text says why, and what to do."""


def app_of(user: User) -> TOTPDevice | None:
    """Return the app that somebody signs in with, if there is one."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def new_app(user: User) -> TOTPDevice:
    """Return the app that somebody is about to enrol: the same one until it is confirmed."""
    waiting = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").first()
    return waiting or TOTPDevice.objects.create(user=user, confirmed=False, name="app")


def in_fours(text: str) -> str:
    """Write something that is to be typed in groups of four."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def key_of(app: TOTPDevice) -> str:
    """Return the key as an app takes it when nothing can be scanned."""
    return in_fours(b32encode(app.bin_key).decode().rstrip("="))


def enrol(user: User, typed: str) -> tuple[Device, list[str]]:
    """Make the new app count once it showed a right code; return it with the recovery codes."""
    app = _verified(user, new_app(user), typed)
    with transaction.atomic():
        TOTPDevice.objects.filter(pk=app.pk).update(confirmed=True)
        app.confirmed = True
        return app, new_codes(user)


def check(user: User, typed: str) -> Device:
    """Return what a code belongs to, which then is used up; raise ``CodeRefused`` otherwise."""
    if len(_plain(typed)) == 6:
        return _verified(user, app_of(user), typed)
    return _verified(user, StaticDevice.objects.filter(user=user).first(), typed)


def new_codes(user: User) -> list[str]:
    """Replace the recovery codes; this is the only time that they are told."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery")
        codes = [StaticToken.random_token() for _n in range(CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return [in_fours(code) for code in codes]


def codes_left(user: User) -> int:
    """Return how many recovery codes are still good."""
    return int(StaticToken.objects.filter(device__user=user).count())


def remove(user: User) -> None:
    """Let the password alone be enough again."""
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=user).delete()


def _plain(typed: str) -> str:
    return "".join(typed.split()).replace("-", "").lower()


def _verified(user: User, device: Device | None, typed: str) -> Device:
    found = verify_token(user, device.persistent_id, _plain(typed)) if device else None
    if found is not None:
        return found
    _allowed, why = device.verify_is_allowed() if device else (True, None)
    if why:
        seconds = max(1, round((why["locked_until"] - timezone.now()).total_seconds()))
        raise CodeRefused(
            _("Too many wrong codes. Wait %(seconds)s seconds, then enter a new one.")
            % {"seconds": seconds}
        )
    raise CodeRefused(
        _("This code is not right, or it was used already. The app shows a new one soon.")
    )
