"""Runs one management command, on the embedded servers where no others are named."""

import os
import sys

from django.core.management import execute_from_command_line

from portal import embedded


def main() -> None:
    """Supply what the environment lacks, then hand over to Django."""
    with embedded.prepare(os.environ):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
