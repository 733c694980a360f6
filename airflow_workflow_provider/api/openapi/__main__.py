"""Write the OpenAPI document to a file, as it is committed."""

from __future__ import annotations

import sys
from pathlib import Path

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_text

Path(sys.argv[1]).write_text(openapi_text(create_app()), encoding="utf-8")
