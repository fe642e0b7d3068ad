# The harness with its servers, as a user without rights: docker build -f ops/harness.Dockerfile -t harness .
# A project with its own scenarios is mounted, and its service must run in this image (or in one made FROM it):
#
#   docker run --rm -v "$PWD:/project" harness gate --toxiproxy /usr/local/bin/toxiproxy-server
FROM golang:1.24 AS toxiproxy
RUN CGO_ENABLED=0 go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0

FROM python:3.13-slim AS packages
COPY requirements/harness.txt /tmp/harness.txt
RUN python -m venv /opt/harness
RUN /opt/harness/bin/pip install --no-cache-dir --require-hashes -r /tmp/harness.txt
COPY pyproject.toml README.md LICENSE /src/
COPY harness /src/harness
RUN /opt/harness/bin/pip install --no-cache-dir --no-deps /src

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 harness
COPY --from=toxiproxy /go/bin/server /usr/local/bin/toxiproxy-server
COPY --from=packages /opt/harness /opt/harness
ENV PATH=/opt/harness/bin:$PATH
WORKDIR /project
USER 10001
ENTRYPOINT ["harness"]
CMD ["doctor"]
