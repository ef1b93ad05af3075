"""The demo: who is in it (`cast`), how they trade (`styles`), their past (`past`) and their present (`live`).

Everything is made by the services that serve customers; nothing here writes a row of its own. Nothing here runs unless
`settings.DEMO` is set.
"""
