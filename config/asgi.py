"""The web process: REST and pages through Django, sockets through Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from config.consumers import TerminalConsumer  # noqa: E402 - consumers need the applications to be ready

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter([re_path(r"^(ws/?)?$", TerminalConsumer.as_asgi())]),
    }
)
