# The official Airflow image with this package. Build: docker compose build
ARG AIRFLOW_VERSION=3.3.2
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE hatch_build.py ./
COPY airflow_workflow_provider airflow_workflow_provider
COPY migrations migrations
COPY scripts/build_ui.py scripts/build_ui.py
COPY ui ui
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM apache/airflow:${AIRFLOW_VERSION}-python${PYTHON_VERSION}
ARG AIRFLOW_VERSION
# Naming Airflow's version keeps pip from moving it.
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" \
    "airflow-workflow-provider[celery,kubernetes] @ file://$(ls /wheels/*.whl)"
