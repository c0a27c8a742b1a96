"""Knows how the push process is entered: `granian --interface asgi portal.asgi:application`.

It is not Django's own ASGI handler: only settings are read, no application is loaded and no
database is opened.
"""

from django.utils.module_loading import import_string

# By name, since portal does not know the traffic.
application = import_string("sms.push.application")
