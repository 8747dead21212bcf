# logoingest with Prefect's flows, without torch; docs/operations.md says how to run it.
#   docker build -t logoingest .                                  # with a baseline: --build-arg EXTRAS=prefect,s3,codings,train
#   docker run --rm -v "$PWD:/data" logoingest run mydata/dataset.toml
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=prefect,s3,codings
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src ./src
COPY label_maps ./label_maps
COPY examples ./examples
RUN python -m venv /opt/logoingest \
    && /opt/logoingest/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.11-slim-bookworm
# 10001 owns /data: chown a folder that is mounted there, or run with --user
RUN useradd --uid 10001 --user-group --create-home logoingest \
    && install --directory --owner=logoingest --group=logoingest /data
COPY --from=build /opt/logoingest /opt/logoingest
ENV PATH=/opt/logoingest/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    LOGOINGEST_HOME=/data \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_LOGGING_EXTRA_LOGGERS=logoingest \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
STOPSIGNAL SIGTERM
# of a command that comes to an end; compose.yaml asks server and worker how they are
HEALTHCHECK --interval=5m --timeout=30s CMD ["logoingest", "--version"]
ENTRYPOINT ["logoingest"]
CMD ["--help"]
