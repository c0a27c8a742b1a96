"""The traffic: messages come in, find an extension, and go out."""
