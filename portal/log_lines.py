"""Knows what is logged and how: JSON lines for machines, readable ones for people, never texts."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

# What these say at INFO is of no use to an operator.
CHATTERBOXES = ("axes", "celery.app.trace", "celery.worker.strategy", "celery.beat")


class JsonFormatter(logging.Formatter):
    """Time, level, logger and message; the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "thread": record.threadName,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configuration(form: str) -> dict[str, Any]:
    """Return the LOGGING setting; ``form`` is ``json`` or ``text``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "portal.log_lines.JsonFormatter"},
            "text": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django's own handlers would print every line twice.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            **{name: {"level": "WARNING"} for name in CHATTERBOXES},
        },
    }
