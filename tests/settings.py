"""The settings under which the type checker reads the project: the product's own, without servers.

Its secrets open nothing, and nobody listens at its addresses.
"""

import os

os.environ |= {
    "SECRET_KEY": "for-the-type-checker-only",
    "CREDENTIAL_KEYS": "for-the-type-checker-only",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1/nowhere",
    "REDIS_URL": "redis://127.0.0.1/0",
}

from portal.settings import *  # noqa: F403 - the environment has to be there first
