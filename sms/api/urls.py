"""Which addresses the API answers, below ``/api/v1/``."""

from django.urls import path

from sms.api import (
    conversations,
    directory,
    files,
    handover,
    later,
    listing,
    messages,
    notes,
    numbers,
    presence,
    stream,
)

urlpatterns = [
    path("messages", messages.MessagesView.as_view(), name="messages"),
    path("messages/preflight", messages.PreflightView.as_view(), name="preflight"),
    path("messages/<int:pk>", messages.MessageView.as_view(), name="message"),
    path("conversations", listing.ConversationsView.as_view(), name="conversations"),
    path("conversations/counts", listing.CountsView.as_view(), name="conversation-counts"),
    path("conversations/<int:pk>", conversations.ConversationView.as_view(), name="conversation"),
    path("conversations/<int:pk>/messages", conversations.ThreadView.as_view(), name="thread"),
    path("conversations/<int:pk>/notes", notes.NotesView.as_view(), name="notes"),
    path("conversations/<int:pk>/read", conversations.ReadView.as_view(), name="read"),
    path("conversations/<int:pk>/transfer", handover.TransferView.as_view(), name="transfer"),
    path("conversations/<int:pk>/take", handover.TakeView.as_view(), name="take"),
    path("conversations/<int:pk>/people", presence.PeopleView.as_view(), name="people"),
    path("conversations/<int:pk>/close", conversations.CloseView.as_view(), name="close"),
    path("conversations/<int:pk>/reopen", conversations.ReopenView.as_view(), name="reopen"),
    path("presence", presence.PresenceView.as_view(), name="presence"),
    path("colleagues", presence.ColleaguesView.as_view(), name="colleagues"),
    path("contacts", directory.ContactsView.as_view(), name="contacts"),
    path("caller-ids", directory.CallerIdsView.as_view(), name="caller-ids"),
    path("media", files.UploadView.as_view(), name="media"),
    path("media/<uuid:key>", files.DownloadView.as_view(), name="media-file"),
    path("messages/<int:pk>/copies", files.CopiesView.as_view(), name="copies"),
    path("later", later.LaterTextsView.as_view(), name="later"),
    path("later/<int:pk>", later.LaterTextView.as_view(), name="later-text"),
    path("later/<int:pk>/send", later.LaterNowView.as_view(), name="later-now"),
    path("numbers", numbers.NumbersView.as_view(), name="numbers"),
    path("events", stream.StreamView.as_view(), name="events"),
]
