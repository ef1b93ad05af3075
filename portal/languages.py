"""The languages that pages are offered in: those with a catalogue of our own, not only Django's."""

from functools import cache

from django.conf import settings
from django.utils import translation


@cache
def offered() -> tuple[tuple[str, str], ...]:
    """Code and name, each in its own words; the default language is always among them."""
    return tuple(
        (code, translation.get_language_info(code)["name_local"])
        for code, _name in settings.LANGUAGES
        if code == settings.LANGUAGE_CODE or _is_written(code)
    )


def chosen() -> str:
    """The active language where pages are offered in it, else the default: never a page in two languages."""
    active = translation.get_language()
    return active if active is not None and active in dict(offered()) else settings.LANGUAGE_CODE


def _is_written(code: str) -> bool:
    folders = (path / translation.to_locale(code) / "LC_MESSAGES" for path in settings.LOCALE_PATHS)
    return any((folder / "django.mo").exists() for folder in folders)
