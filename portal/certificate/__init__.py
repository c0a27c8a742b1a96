"""Whether a provider can reach this installation: the certificate chain as its client sees it."""
