"""Which addresses the traffic answers."""

from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from sms import client, health, installable
from sms.api import files
from sms.handset import gateway
from sms.handset import page as handset
from sms.webhooks import WebhookView

urlpatterns = [
    path("", client.page, name="client"),
    path("texts.js", JavaScriptCatalog.as_view(packages=["sms"]), name="texts"),
    path("manifest.webmanifest", installable.manifest, name="manifest"),
    path("worker.js", installable.worker),
    path("offline/", installable.offline, name="offline"),
    path("api/v1/", include("sms.api.urls")),
    path("media/<str:token>", files.public, name="media-link"),
    path("webhooks/<str:token>/", WebhookView.as_view(), name="webhook"),
    path("handset/", handset.page, name="handset"),
    path("handset/look", handset.LookView.as_view()),
    path("handset/texts", handset.TextsView.as_view()),
    path("handset/files", handset.FilesView.as_view()),
    path("handset/trouble", handset.TroubleView.as_view()),
    path("handset/gateway/messages", gateway.MessagesView.as_view()),
    path("handset/gateway/account", gateway.AccountView.as_view()),
    path("handset/gateway/media/<uuid:key>", gateway.file),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
