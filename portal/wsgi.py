"""Knows how the web process is entered: `granian --interface wsgi portal.wsgi:application`."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

# A proxy we trust says who called and whether that was by TLS; nobody else is believed.
application = wrap_wsgi_with_proxy_headers(get_wsgi_application(), settings.TRUSTED_PROXIES)
