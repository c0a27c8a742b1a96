"""How to talk to each SMS company, in plain Python: no Django, no database."""
