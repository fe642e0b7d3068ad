# The webhook service, as a user without rights: docker build -f ops/service.Dockerfile -t webhook .
FROM python:3.13-slim AS packages
COPY requirements/webhook.txt /tmp/webhook.txt
RUN python -m venv /opt/webhook
RUN /opt/webhook/bin/pip install --no-cache-dir --require-hashes -r /tmp/webhook.txt

FROM python:3.13-slim
RUN useradd --system --no-create-home --uid 10001 webhook
COPY --from=packages /opt/webhook /opt/webhook
COPY webhook /srv/webhook
WORKDIR /srv
ENV PATH=/opt/webhook/bin:$PATH PYTHONDONTWRITEBYTECODE=1 WEBHOOK_HOST=0.0.0.0 WEBHOOK_PORT=8000
USER 10001
EXPOSE 8000
# Ready, not only alive: a deployment must not lead traffic to it before it can store. A restart is decided elsewhere.
HEALTHCHECK --interval=2s --timeout=2s --retries=15 CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['WEBHOOK_PORT']}/readyz\")"]
CMD ["python", "-m", "webhook"]
