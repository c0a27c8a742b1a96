"""Knows what the API's schema calls the lists of words that fields choose from."""

ENUMS = {
    "MessageState": "sms.models.message.State",
    "MediaState": "sms.models.media.MediaFile.State",
    "LaterState": "sms.models.later.LaterText.State",
    "ConversationState": ["open", "closed"],
    "ConversationKind": "sms.models.conversation.Conversation.Kind",
    "CallerIdKind": ["number", "word"],
    "NumberKind": ["number", "short_code", "extension"],
    "Presence": "portal.models.extension.Extension.Presence",
}
