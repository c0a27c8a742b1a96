"""Tells Django that portal is an application, and has its system checks registered."""

from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The PBX side."""

    name = "portal"
    verbose_name = "PBX"

    def ready(self) -> None:
        import_module("portal.checks")
