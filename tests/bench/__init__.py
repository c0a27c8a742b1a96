"""The benchmark: how fast messages pass, what they cost, and that none is lost or doubled.

`python -m tests.bench` (or `make bench`) starts the product on ports and data of its own, a
provider beside it and a generator in front of it. What it measures: docs/performance.md.
"""

import os

import django
from django.apps import apps

if not apps.ready:
    # Started by itself, not by pytest: the product's processes get an environment of their own.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
