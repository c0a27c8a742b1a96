"""How long something took, in the words of a reader who looks for what was slow."""

from datetime import datetime

from django.utils.translation import gettext as _


def of(start: datetime, end: datetime) -> str:
    """Write the time from one moment to another in its one or two largest units."""
    seconds = max((end - start).total_seconds(), 0.0)
    if seconds < 1:
        return _("%(count)d ms") % {"count": round(seconds * 1000)}
    if seconds < 60:
        return _("%(count).1f s") % {"count": seconds}
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return _("%(days)d d %(hours)d h") % {"days": hours // 24, "hours": hours % 24}


def between(start: datetime, end: datetime) -> str:
    """Write what lies between two moments of a row; nothing where nobody would notice it."""
    return f"+ {of(start, end)}" if (end - start).total_seconds() >= 0.001 else ""
