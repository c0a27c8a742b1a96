"""Door: the phone simulator, and the pretended carrier behind sandbox trunks.

The gateway plays the provider and keeps what we send. The page plays the phone, and its browser
posts what the carrier owes us to the real webhook: nothing here waits or calls itself. While no
page shows a number, that phone is off.
"""
