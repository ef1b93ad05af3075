"""Settings: wiring only, read from the environment once.

`DATABASE_URL` and `REDIS_URL` are set by the embedded servers' supervisor when the operator gives none, so every process
runs on a real PostgreSQL and a real Redis protocol server.
"""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from infra.embedded.urls import celery_broker_url

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Identity -----------------------------------------------------------------------------------------------------------
SECRET_KEY: str = env("SECRET_KEY")
DEBUG: bool = env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["*"]
)  # a Host that is no tenant's domain is handled by tenancy
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DEFAULT_TENANT: str = env("DEFAULT_TENANT", default="demo")
DEMO: bool = env.bool("COPYTRADE_DEMO", default=False)
METRICS_TOKEN: str = env("METRICS_TOKEN", default="")
# Keys for secrets at rest, each 32 random bytes in base64; the first one seals. Empty: derived from SECRET_KEY.
ENCRYPTION_KEYS: list[str] = env.list("ENCRYPTION_KEYS", default=[])

INSTALLED_APPS = [
    "daphne",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "heroicons",
    "infra",
    "accounts",
    "ledger",
    "trading",
    "copytrade",
    "rewards",
    "marketplace",
    "portal",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.TenantMiddleware",
    "accounts.middleware.CookieCsrfMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
                "portal.context.portal",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------------------------------
# The role the application acts as; it owns nothing and cannot bypass row level security. `manage.py migrate` makes it.
DATABASE_ROLE: str = env("DATABASE_ROLE", default="copytrade_app")
_database: dict[str, Any] = env.db_url("DATABASE_URL")
_database["ENGINE"] = "django.db.backends.postgresql"
_options = _database.setdefault("OPTIONS", {})
_options["options"] = f"-c role={DATABASE_ROLE}"
_options.setdefault("application_name", "copytrade")
# Without a number here psycopg prepares nothing, whatever a statement asks for: the hot path would be planned every time.
_options.setdefault("prepare_threshold", 5)
# ASGI gives every HTTP request a thread of its own, so persistent connections would be made anew for each: a pool instead.
if env.int("DATABASE_POOL", default=12):
    _options["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=12), "timeout": 10}
    _database["CONN_MAX_AGE"] = 0
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis, Celery, Channels --------------------------------------------------------------------------------------------
REDIS_URL: str = env("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "ct"}
}
CHANNEL_LAYERS: dict[str, Any] = {}  # fan-out goes through infra.push: one Redis subscription per web process

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_DISABLE_RATE_LIMITS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"copytrade.sweep": {"queue": "copy"}}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {
    "copytrade-sweep": {"task": "copytrade.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "copytrade-watch": {"task": "copytrade.watch", "schedule": 10.0, "options": {"expires": 10}},
    "copytrade-reconcile": {"task": "copytrade.reconcile", "schedule": 10.0, "options": {"expires": 10}},
    "marketplace-followers": {"task": "marketplace.followers_truth", "schedule": 60.0, "options": {"expires": 60}},
    "marketplace-stats": {"task": "marketplace.stats", "schedule": 1.0, "options": {"expires": 2}},
    "marketplace-stats-age": {"task": "marketplace.stats_age", "schedule": 30.0, "options": {"expires": 30}},
    "rewards-work": {"task": "rewards.work", "schedule": 2.0, "options": {"expires": 4}},
    "trading-day-end": {"task": "trading.day_end_sweep", "schedule": 30.0, "options": {"expires": 30}},
    "trading-equity-marks": {"task": "trading.equity_marks", "schedule": 60.0, "options": {"expires": 30}},
}

# --- Words and zones ----------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files -------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if env.bool("PLAIN_STATIC", default=False)
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["jpg", "png", "svgz", "gz", "zip", "br", "woff2", "map"]  # maps take minutes
WHITENOISE_USE_FINDERS = env.bool("PLAIN_STATIC", default=False)

# --- Security -----------------------------------------------------------------------------------------------------------
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
COOKIES_SECURE: bool = env.bool("COOKIES_SECURE", default=False)  # True behind TLS
CSRF_COOKIE_SECURE = COOKIES_SECURE
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.errors.csrf_failed"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SESSION_TOKEN_HOURS = 12
TRADE_THREADS: int = env.int("TRADE_THREADS", default=8)  # trade commands of sockets under way at once per web process
SIGN_IN_FAILURES_PER_USER = 10
SIGN_IN_FAILURES_PER_ADDRESS = 100
SIGN_IN_WINDOW_SECONDS = 15 * 60

# --- Trading ------------------------------------------------------------------------------------------------------------
ACCOUNT_RECORDS_MAX: int = env.int("ACCOUNT_RECORDS_MAX", default=1000)  # open and pending together

# --- REST ---------------------------------------------------------------------------------------------------------------
API_MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_BODY_BYTES
API_RATES: dict[str, int] | None = {"read": 200, "trade": 100, "write": 50}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_PARSER_CLASSES": ["infra.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["infra.api.renderers.DecimalJSONRenderer"],
    "EXCEPTION_HANDLER": "infra.api.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Copy trading API",
    "DESCRIPTION": "REST for terminals, portals and staff. Live quotes, trades and copies come over the WebSocket `/ws/`.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["infra.api.paths.described_paths"],
    # Enumerations are named after their classes (`infra.api.schema_fields`), so none has to be guessed.
    "POSTPROCESSING_HOOKS": ["config.openapi.platform_described"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {"daphne": {"level": "WARNING"}, "django.channels.server": {"level": "WARNING"}},
}
