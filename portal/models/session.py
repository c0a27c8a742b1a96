"""Where people are signed in: one row per browser, which ends with its row.

It is the session engine of the settings: Django's own table, and beside it whose session it is,
since when, and from where it was last seen.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

SEEN_EVERY = timedelta(minutes=1)
AGENT_LENGTH = 300


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions of people."""

    def of(self, user: Any) -> "SessionQuerySet":
        """Return where somebody is signed in now, the last one seen first."""
        now = timezone.now()
        return self.filter(user=user.pk, expire_date__gt=now).order_by("-seen", "session_key")

    def end(self) -> int:
        """Sign out everywhere here, at once; return in how many places that was."""
        return self.delete()[0]


class Session(AbstractBaseSession):
    """One browser that keeps a cookie. Without a user nobody has signed in there yet."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    began = models.DateTimeField(default=timezone.now)
    seen = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=AGENT_LENGTH, blank=True)

    objects = SessionQuerySet.as_manager()  # type: ignore[assignment, misc] # Django's can only save

    def __str__(self) -> str:
        return self.handle

    @classmethod
    def get_session_store_class(cls) -> type["SessionStore"]:
        """Name the engine to Django."""
        return SessionStore

    @property
    def handle(self) -> str:
        """What a page calls the session by: its key would open it."""
        return salted_hmac("portal.session", self.session_key).hexdigest()[:24]


class SessionStore(db.SessionStore):
    """Django's engine on our table."""

    row: Session | None = None
    address: str | None = None
    agent: str = ""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Name the table to Django."""
        return Session

    def _get_session_from_db(self) -> Session | None:
        self.row = super()._get_session_from_db()  # type: ignore[misc] # not in the stubs
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Write beside what is kept whose session it is and since when."""
        row: Session = super().create_model_instance(data)  # type: ignore[assignment] # the stubs know no other table
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.began = self._began(row.user_id)
        row.address, row.agent = self.address, self.agent
        return row

    def _began(self, user_id: int | None) -> datetime:
        same = self.row is not None and self.row.user_id == user_id
        return self.row.began if self.row is not None and same else timezone.now()

    def comes_from(self, request: HttpRequest) -> None:
        """Remember who asks; it is written with the session, and costs nothing until then."""
        self.address = request.META.get("REMOTE_ADDR") or None
        self.agent = request.headers.get("User-Agent", "").replace("\x00", "")[:AGENT_LENGTH]

    def touch(self) -> None:
        """Note that the browser was here, at most once a minute."""
        now = timezone.now()
        if self.row is None or now - self.row.seen < SEEN_EVERY:
            return
        rows = Session.objects.filter(pk=self.row.pk)
        rows.update(seen=now, address=self.address, agent=self.agent)
