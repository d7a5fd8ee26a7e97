# One image for migrations, code location, webserver, daemon and monitoring app. Build it from a release tag; pin PYTHON_IMAGE
# to a digest for reproducible builds: docker build --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:… .
ARG PYTHON_IMAGE=python:3.12-slim
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
