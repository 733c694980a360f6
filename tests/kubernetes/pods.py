"""An executor that runs each task as a pod of the KubernetesExecutor does: a new process with a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow.executors.base_executor import BaseExecutor

FOLDER: Final = "PODS_FOLDER"
"""The variable with the folder in which pods have their homes, and ``pods.jsonl`` notes them."""

PROGRAM: Final = "airflow.sdk.execution_time.execute_workload"
"""What the container of a worker's pod runs."""

NOT_IN_A_POD: Final = ("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", "AIRFLOW__WORKFLOWS__SPOOL_FOLDER")
"""What the local environment puts on its disk; a pod has only its own."""


@dataclass
class Pod:
    """A running task."""

    key: Any
    process: subprocess.Popen[bytes]
    home: Path


class PodExecutor(BaseExecutor):
    """Runs the program that a worker's pod runs, with an empty disk that is gone after it."""

    serve_logs = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = Path(os.environ[FOLDER])
        self._pods: list[Pod] = []

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        for workload in workload_items:
            self.queued_tasks.pop(workload.key)
            self.running.add(workload.key)
            # One that waits for an answer goes on under the same key, perhaps before the end of its pod is noticed.
            self._pods.append(self._start(workload))

    def _start(self, workload: Any) -> Pod:
        home = Path(tempfile.mkdtemp(dir=self._folder))
        (home / "tmp").mkdir()
        environment = {name: value for name, value in os.environ.items() if name not in NOT_IN_A_POD}
        environment |= {
            "HOME": str(home),
            "AIRFLOW_HOME": str(home / "airflow"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "TMPDIR": str(home / "tmp"),
        }
        with (self._folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM, "--json-string", workload.model_dump_json()],
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        task = workload.ti
        noted = {"dag": task.dag_id, "run": task.run_id, "task": task.task_id, "pid": process.pid, "home": str(home)}
        with (self._folder / "pods.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(noted) + "\n")
        return Pod(workload.key, process, home)

    def sync(self) -> None:
        """Note which pods have ended, and take their disks away."""
        for pod in list(self._pods):
            code = pod.process.poll()
            if code is None:
                continue
            self._pods.remove(pod)
            shutil.rmtree(pod.home, ignore_errors=True)
            if code == 0:
                self.success(pod.key)
            else:
                self.fail(pod.key)

    def end(self) -> None:
        """End all pods."""
        self.terminate()

    def terminate(self) -> None:
        """End all pods at once, with all of their processes."""
        for pod in self._pods:
            os.killpg(pod.process.pid, signal.SIGKILL)
            pod.process.wait()
            shutil.rmtree(pod.home, ignore_errors=True)
        self._pods.clear()
