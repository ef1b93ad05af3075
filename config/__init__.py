"""Wiring only: settings, addresses, processes, and who listens to what."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
