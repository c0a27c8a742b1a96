"""Tells Django that sms is an application."""

from django.apps import AppConfig


class SmsConfig(AppConfig):
    """The traffic side."""

    name = "sms"
    verbose_name = "Messages"
