"""The admin of the traffic: the message log, the quarantine, opt-outs; mostly to look at."""

from sms.admin import consent, conversation, event, media, message, queue

__all__ = ["consent", "conversation", "event", "media", "message", "queue"]
