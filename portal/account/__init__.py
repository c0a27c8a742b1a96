"""Signing in, and what everybody sees to alone: password, second factor, open sessions."""
