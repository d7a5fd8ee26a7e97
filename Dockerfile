# One image for the code location, the webserver and the daemon.
FROM python:3.12-slim

RUN useradd --create-home --uid 10001 alexandria && install -d -o alexandria /opt/alexandria
WORKDIR /opt/alexandria/source
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY alexandria_pipeline ./alexandria_pipeline
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
COPY dagster.yaml workspace.yaml /opt/alexandria/
USER alexandria
WORKDIR /opt/alexandria
