# Two stages: the first makes the environment from the locked hashes, the second carries it and nothing to build with.
# The image runs with a read-only root: it writes to /data and to /tmp only.

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/aggregator
COPY locks/runtime.txt locks/
RUN /opt/aggregator/bin/pip install --require-hashes --requirement locks/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY aggregator aggregator
COPY db db
RUN /opt/aggregator/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="aggregator" org.opencontainers.image.licenses="Apache-2.0"
# 1000 is the first person of most machines, so a subscribers.yaml that only its owner may read can be read here.
RUN groupadd --gid 1000 aggregator \
    && useradd --uid 1000 --gid 1000 --home-dir /data --no-create-home --shell /usr/sbin/nologin aggregator \
    && install --directory --owner=1000 --group=1000 --mode=0750 /data \
    && install --directory --mode=0755 /config
COPY --from=build /opt/aggregator /opt/aggregator
COPY feeds.yaml /config/feeds.yaml
ENV PATH=/opt/aggregator/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    AGGREGATOR_CONFIG=/config/feeds.yaml AGGREGATOR_DATA_DIR=/data
USER 1000:1000
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["aggregator", "status", "--check"]
ENTRYPOINT ["aggregator"]
CMD ["run"]
