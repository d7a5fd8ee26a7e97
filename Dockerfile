# One image for migrations, code location, webserver, daemon and monitoring app. Build it from a release tag.
# The digest is that of 3.12.14-slim-trixie, September 2026; a newer one: docker buildx imagetools inspect python:3.12-slim
ARG PYTHON_IMAGE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /source
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY alexandria_pipeline ./alexandria_pipeline
# The version of the tag: docker build --build-arg VERSION=$(git describe --tags --abbrev=0 | tr -d v) .
ARG VERSION=0.1.0
RUN SETUPTOOLS_SCM_PRETEND_VERSION=${VERSION} SOURCE_DATE_EPOCH=0 python -m hatchling build -t wheel -d /dist

FROM ${PYTHON_IMAGE} AS build
# requirements.lock, or launchers.lock for runs in containers of their own
ARG LOCK=requirements.lock
COPY deploy/*.lock /locks/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r /locks/$LOCK
COPY --from=wheel /dist /dist
RUN /venv/bin/pip install --no-cache-dir --no-deps /dist/*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --create-home --uid 10001 alexandria \
 && install -d -o alexandria /opt/alexandria /opt/alexandria/storage /opt/alexandria/.alexandria /opt/alexandria/lists
COPY --from=build /venv /venv
COPY dagster.yaml workspace.yaml /opt/alexandria/
COPY deploy /opt/alexandria/deploy
ENV PATH=/venv/bin:$PATH
USER alexandria
WORKDIR /opt/alexandria
