"""The traffic as rows: events, conversations, messages, attempts, media and consent."""

from sms.models.attempt import Attempt
from sms.models.consent import OptOut
from sms.models.conversation import Conversation, ReadMark
from sms.models.daycount import CountBlock, DayCount
from sms.models.event import ProviderEvent, RefusedCount, SeenBody
from sms.models.handset import HandsetFile, HandsetLine, HandsetMessage
from sms.models.later import LaterText
from sms.models.media import MediaFile
from sms.models.mention import Mention
from sms.models.message import MOVES, OPEN_STATES, Message, State, sources, transition
from sms.models.part import InboundPiece, SentPart
from sms.models.queue import TrunkQueue

__all__ = [
    "MOVES",
    "OPEN_STATES",
    "Attempt",
    "Conversation",
    "CountBlock",
    "DayCount",
    "HandsetFile",
    "HandsetLine",
    "HandsetMessage",
    "InboundPiece",
    "LaterText",
    "MediaFile",
    "Mention",
    "Message",
    "OptOut",
    "ProviderEvent",
    "ReadMark",
    "RefusedCount",
    "SeenBody",
    "SentPart",
    "State",
    "TrunkQueue",
    "sources",
    "transition",
]
