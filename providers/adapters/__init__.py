"""One module per provider; the registry finds them by being here."""
