"""Door: the REST API of the browser client and of the PBX."""
