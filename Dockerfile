# Build: docker build --build-arg VERSION=... --build-arg REVISION=$(git rev-parse HEAD) --build-arg BRANCH=... .
# The image has the exporter with the extra report and without exporter/lab: no simulate, replay, backfill, demo and backtest.
# A release pins the base by its digest: --build-arg BASE=python:3.11-slim-bookworm@sha256:... (docs/releasing.md).
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build

WORKDIR /src
COPY requirements/ requirements/
RUN python -m venv /opt/build \
 && python -m venv --without-pip /opt/ironport-exporter \
 && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.txt \
 && /opt/build/bin/pip --python /opt/ironport-exporter install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/image.txt
COPY pyproject.toml README.md LICENSE ./
COPY exporter/ exporter/
COPY alerts/ alerts/
COPY dashboards/ dashboards/
COPY docs/ docs/
COPY share/ share/
RUN /opt/build/bin/pip wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /opt/build/bin/pip --python /opt/ironport-exporter install --no-cache-dir --disable-pip-version-check --no-deps /wheel/*.whl


FROM ${BASE}

ARG VERSION=unknown
ARG REVISION=unknown
ARG BRANCH=unknown
LABEL org.opencontainers.image.title="ironport-exporter" \
      org.opencontainers.image.description="Prometheus exporter for IronPort / Cisco Secure Email Gateway fleets: SNMP and XML status pages, fused." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /opt/ironport-exporter /opt/ironport-exporter
COPY LICENSE /usr/share/licenses/ironport-exporter/LICENSE

ENV PATH=/opt/ironport-exporter/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    IRONPORT_EXPORTER_REVISION=${REVISION} \
    IRONPORT_EXPORTER_BRANCH=${BRANCH}

WORKDIR /etc/ironport-exporter
USER 65532:65532
EXPOSE 10125

# Without a shell, and past any proxy that the environment names.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 10125, timeout=4); c.request('GET', '/-/healthy'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["ironport-exporter"]
CMD ["--config.file", "/etc/ironport-exporter/fleet.yml"]
