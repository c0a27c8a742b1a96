"""Every setting of the product, read from the environment and `.env` here and nowhere else."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from portal import content_policy, log_lines, schema_names

# Lets classes such as ModelAdmin name their model type at run time, as the type checker wants it.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
# Variables that are set win over the file.
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))


def required(name: str, recipe: str) -> str:
    """Return a variable that has no default, or say how to make one."""
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {recipe}")
    return value


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# --- What this installation is called and where it lives ------------------------------------------
DEBUG: bool = env.bool("DEBUG", default=False)
VAR_DIR = (BASE_DIR / env.str("VAR_DIR", default="var")).resolve()
HOST: str = env.str("HOST", default="127.0.0.1")
PORT: int = env.int("PORT", default=8000)
PUSH_PORT: int = env.int("PUSH_PORT", default=8001)
PUBLIC_URL: str = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
PUBLIC_IS_HTTPS = _public.scheme == "https"
PUBLIC_HOST = _public.hostname or ""
PUBLIC_IS_LOOPBACK = is_loopback(PUBLIC_HOST)
# In development nobody routes /events to the push process, so the browser is told its own port.
_push_default = PUBLIC_URL
if PUBLIC_IS_LOOPBACK and _public.port == PORT:
    _push_default = f"{_public.scheme}://{_public.hostname}:{PUSH_PORT}"
PUSH_URL: str = env.str("PUSH_URL", default=_push_default).rstrip("/")
MEDIA_URL_BASE: str = env.str("MEDIA_URL_BASE", default=PUBLIC_URL).rstrip("/")
# Where workers reach the built-in carrier of sandbox trunks.
SANDBOX_URL: str = env.str("SANDBOX_URL", default=f"{PUBLIC_URL}/handset/gateway").rstrip("/")
ALLOW_PRIVATE_PROVIDER_HOSTS: list[str] = [
    *env.list("ALLOW_PRIVATE_PROVIDER_HOSTS", default=[]),
    urlsplit(SANDBOX_URL).netloc,
]
# --- Secrets: no defaults -------------------------------------------------------------------------
SECRET_KEY = required(
    "SECRET_KEY", "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
)
required(
    "CREDENTIAL_KEYS",
    "It holds one or more comma-separated Fernet keys; the first encrypts. Make one: "
    "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
)
CREDENTIAL_KEYS = [key.strip() for key in env.list("CREDENTIAL_KEYS")]

# --- The application ------------------------------------------------------------------------------
# Health probes use loopback names, workers the sandbox's; no link is built from Host.
ALLOWED_HOSTS: list[str] = [PUBLIC_HOST, *env.list("ALLOWED_HOSTS", default=[])]
ALLOWED_HOSTS += [urlsplit(SANDBOX_URL).hostname or "", "127.0.0.1", "localhost", "[::1]"]
INSTALLED_APPS = [
    "unfold",  # before the admin whose templates it replaces
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "axes",
    "django_htmx",
    "csp",
    "import_export",
    "portal",
    "sms",
]
MIDDLEWARE = [
    "portal.express.ExpressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.content_policy.ContentPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "portal.signed_in.SignedInMiddleware",
    "portal.zones.TenantZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "portal.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_context = ["csp.context_processors.nonce", "portal.admin.fence.banner"]
_context += [f"django.{place}.context_processors.{name}" for place, name in (
    ("template", "request"), ("contrib.auth", "auth"), ("contrib.messages", "messages"),
)]  # fmt: skip
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": _context},
    }
]
TIME_ZONE = "UTC"

# --- PostgreSQL -----------------------------------------------------------------------------------
_servers = "`manage.py up` starts an embedded server; a process started on its own needs the URL."
DATABASE_URL = required("DATABASE_URL", _servers)
DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL"),
        # A pool and not CONN_MAX_AGE: web threads come and go (granian ends idle ones), a worker
        # has more threads than it needs connections, and the size bounds what PostgreSQL must
        # serve: a process computes on one core, which a few connections keep busy. The health check
        # costs one empty round trip and survives a database restart.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            # As on any SSD. It also keeps the first plans of a new, never analysed database from
            # reading whole tables, which would be reused while those grow.
            "options": "-c random_page_cost=1.1",
            # What runs again and again is planned once for each connection.
            "server_side_binding": True,
            "prepare_threshold": 3,
            "pool": {"min_size": 1, "max_size": 6, "timeout": 5, "reconnect_timeout": 5},
        },
    }
}

# --- Redis: cache, bell, push ---------------------------------------------------------------------
REDIS_URL = required("REDIS_URL", _servers)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "sms-channel",
        # A dead Redis must not stall a webhook.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for ever
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_connect_timeout": 1}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 32  # most of them wait: for providers, or for something to do
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULER = "portal.beat:Steady"
# Nothing expires: a worker whose clock is ahead of the beat's would hear of no sweep at all. Those
# that pile up while there is no worker are answered together.
_every = {"sweep": 5.0, "submit_later": 2.0, "look_at_certificate": 6 * 3600.0}  # seconds
CELERY_BEAT_SCHEDULE = {k: {"task": f"sms.tasks.{k}", "schedule": s} for k, s in _every.items()}

# --- The engine -----------------------------------------------------------------------------------
CLAIM_TIMEOUT: int = env.int("CLAIM_TIMEOUT", default=120)  # seconds a row may stay in SENDING
MEMORY_SECONDS: float = 0.5  # how long a change of the set-up may go unseen by another process
SENDER_THREADS: int = env.int("SENDER_THREADS", default=32)  # open provider calls per worker
ONE_CORE: bool = env.bool("ONE_CORE", default=not DEBUG)  # see portal/one_core.py
WEBHOOK_MAX_BYTES = 2 * 1024 * 1024
# Above it Django refuses a body before a view sees it; the webhook door answers with its own words.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * WEBHOOK_MAX_BYTES

# --- Who may enter --------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
SESSION_ENGINE = "portal.models.session"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: a locked-out login goes no further
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator",
                 "CommonPasswordValidator", "NumericPasswordValidator")
]  # fmt: skip
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
PASSWORD_RESET_TIMEOUT = 24 * 3600
OTP_TOTP_ISSUER = "SMS Channel"
# Of its own people each tenant says so itself.
SYSTEM_SECOND_FACTOR: bool = env.bool("SYSTEM_SECOND_FACTOR", default=False)
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says when it ends
AXES_LOCKOUT_CALLABLE = "portal.account.sign_in.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
# axes keeps what was posted with a wrong password, less these and the password itself.
AXES_SENSITIVE_PARAMETERS = ["username", "old_password", "new_password1", "new_password2"]

# --- The browser ----------------------------------------------------------------------------------
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
SESSION_COOKIE_SECURE = PUBLIC_IS_HTTPS
CSRF_COOKIE_SECURE = PUBLIC_IS_HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PUBLIC_IS_HTTPS else 0
# Whose X-Forwarded-For and X-Forwarded-Proto portal/wsgi.py believes. It replaces
# SECURE_PROXY_SSL_HEADER, which would believe anybody.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=["127.0.0.1"])
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains: the operator's other hosts are not ours to bind
    "security.W008",  # redirect to https: the proxy's work; providers do not follow a redirect
    "security.W021",  # HSTS preload: as W005
]
CONTENT_SECURITY_POLICY = content_policy.configuration(PUSH_URL)

# --- Static files and media -----------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / env.str("STATIC_DIR", default=str(VAR_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"
_static = "whitenoise.storage.CompressedManifestStaticFilesStorage"
if DEBUG:
    _static = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# --- Mail -----------------------------------------------------------------------------------------
_mail = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = (_mail.get(f"EMAIL_USE_{way}", False) for way in ("TLS", "SSL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"SMS Channel <sms-channel@{PUBLIC_HOST or 'localhost'}>"

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sms.api.authentication.TokenAuthentication",  # first: its 401 names the Bearer scheme
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "sms.api.errors.handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SMS Channel",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    **dict.fromkeys(("SWAGGER_UI_DIST", "SWAGGER_UI_FAVICON_HREF"), "SIDECAR"),
    "ENUM_NAME_OVERRIDES": schema_names.ENUMS,
}

# --- Admin ----------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "SMS Channel", "SITE_HEADER": "SMS Channel", "SITE_SYMBOL": "sms",
    "DASHBOARD_CALLBACK": "sms.admin.home.dashboard",
    "SIDEBAR": {"navigation": "portal.admin.navigation.sidebar"},
    "ACCOUNT": {"navigation": "portal.admin.navigation.account"},
    "STYLES": ["portal.admin.navigation.stylesheet"],
    "SITE_FAVICONS": [{"rel": "icon", "href": "portal.admin.navigation.icon"}],
}  # fmt: skip

# --- Logs -----------------------------------------------------------------------------------------
LOG_FORMAT: str = env.str("LOG_FORMAT", default="text" if DEBUG else "json")
LOGGING = log_lines.configuration(LOG_FORMAT)
