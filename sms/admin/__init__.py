"""The admin of the traffic: the home page, the message log, the quarantine, opt-outs."""

from sms.admin import consent, conversation, event, group, home, media, message, queue, simulator

__all__ = [
    "consent",
    "conversation",
    "event",
    "group",
    "home",
    "media",
    "message",
    "queue",
    "simulator",
]
