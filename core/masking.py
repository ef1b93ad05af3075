"""Showing enough of a person's data to tell people apart, and no more."""


def masked_email(address: str) -> str:
    """The first letter, `***` and the domain: `a***@example.com`."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}***{at}{domain}"
