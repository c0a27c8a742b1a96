"""Knows how the push process is entered: `granian --interface asgi portal.asgi:application`.

It is not Django's own ASGI handler: only settings are read, no application is loaded and no
database is opened.
"""

import contextlib
import resource

from django.utils.module_loading import import_string

# Each open browser is an open file, and many systems begin with 1,024 of them.
_soft, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
with contextlib.suppress(ValueError):  # macOS says that there is no limit, and refuses that
    resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))

# By name, since portal does not know the traffic.
application = import_string("sms.push.application")
