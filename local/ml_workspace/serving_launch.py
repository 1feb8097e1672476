"""What a server needs before it starts, and its start: code, model, environment, variables, process."""

import json
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import deployment_parts as parts
from . import overlay, snapshots
from .catalog import now
from .errors import WorkspaceError
from .serving_folder import HOST, MARK, mark, write_secret
from .serving_state import Need

if TYPE_CHECKING:
    from .workspace import Workspace

SERVER = Path(__file__).with_name("serving_server.py")
MLFLOW_SCRIPT = Path(__file__).with_name("mlflow_scoring.py")
PASSED = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Launch:
    """Lays out the folder of a plan, in a thread of its own: building an environment may take minutes.

    Attributes:
        done: whether it has ended.
        error: why it failed, if it did.
    """

    def __init__(self, ws: "Workspace", folder: Path, plan: dict[str, Any]) -> None:
        self._ws, self._folder, self._plan = ws, folder, plan
        self._token = folder.parent / "token"
        self.error: str | None = None
        self._python = folder / "python" / "bin" / "python"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def start(self, need: Need, listening: int, collector_port: int) -> "subprocess.Popen[bytes]":
        """Start a server of the plan on a socket that listens.

        Args:
            listening: the socket's descriptor.
        """
        root, script = self._app()
        with (self._folder / f"server-{need.instance}.log").open("ab") as log:
            return subprocess.Popen(
                [str(self._python), str(SERVER), str(listening), script],
                cwd=root, env=self._variables(need, root, collector_port), pass_fds=[listening],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _app(self) -> tuple[Path, str]:
        """(AML_APP_ROOT, scoring script in it): the script's own folder, as azure-ai-ml sets it."""
        code = self._plan["server"]["code"]
        place = Path(code["folder"], code["script"]) if code else Path("mlflow", MLFLOW_SCRIPT.name)
        return self._folder / "app" / place.parent, place.name

    def _variables(self, need: Need, root: Path, collector_port: int) -> dict[str, str]:
        server = self._plan["server"]
        temporary = self._folder / "tmp"
        variables = {name: os.environ[name] for name in PASSED if name in os.environ}
        variables |= {
            "PATH": os.pathsep.join([str(self._python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "VIRTUAL_ENV": str(self._folder / "python"),
            "HOME": str(self._ws.path / "home"),
            "TMPDIR": str(temporary),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            # Threads that wait must sleep: spinning, they take the cores from the servers that run beside them.
            "OMP_WAIT_POLICY": "passive",
            "AML_APP_ROOT": str(root),
            "WORKER_COUNT": "1",
            **(server["environment"].get("variables") or {}),
        }
        model = server["model"]
        if model:
            variables["AZUREML_MODEL_DIR"] = str(self._folder / "azureml-models" / model["name"] / model["version"])
        if server["sampled"] is not None:
            token = self._token.read_text(encoding="utf-8")
            variables |= {
                "AZUREML_MDC_CONFIG_PATH": str(self._folder / "mdc.json"),
                # The collector puts this between http:// and the port, and `requests` makes Basic credentials of it.
                "AZUREML_MDC_HOST": f"{need.endpoint}.{need.deployment}:{token}@{HOST}",
                "AZUREML_MDC_PORT": str(collector_port),
            }
        return {**variables, **server["variables"], MARK: mark(self._ws.path, need.socket)}

    def _run(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self._folder / "storage-initializer.log").open("a", encoding="utf-8", buffering=1) as log:
                self._prepare(lambda line: print(now(), line, file=log))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs into the deployment's document
            self.error = str(error) if isinstance(error, WorkspaceError) else f"{type(error).__name__}: {error}"

    def _prepare(self, log: Callable[[str], None]) -> None:
        server, folder = self._plan["server"], self._folder
        python = self._ws.environments.python(server["environment"], log)
        model = parts.Model(**server["model"]) if server["model"] else None
        if model:
            parts.files_of(model)
        if not (folder / ".ready").exists():
            for name in ("app", "python"):
                shutil.rmtree(folder / name, ignore_errors=True)
            if model:
                log(f"Model {model.name}:{model.version}: {parts.lay_model(model, folder)}")
            self._copy_code(log)
            overlay.make(python, folder / "python")
            if server["sampled"] is not None:
                if not self._token.exists():
                    write_secret(self._token, secrets.token_hex(24))
                collections = {
                    name: {"enabled": True, "sampleRatePercentage": rate * 100}
                    for name, rate in server["sampled"].items()
                }
                mdc = {"collections": collections, "runMode": "cloud"}
                (folder / "mdc.json").write_text(json.dumps(mdc), encoding="utf-8")
        for place in (folder / "tmp", self._ws.path / "home"):
            place.mkdir(exist_ok=True)
        (folder / ".ready").touch()
        log("Ready to start")

    def _copy_code(self, log: Callable[[str], None]) -> None:
        code = self._plan["server"]["code"]
        if code:
            snapshot = self._ws.path / "snapshots" / code["sha256"]
            if not snapshot.exists():
                raise WorkspaceError(f"The deployment's code is gone: there is nothing at {snapshot}.")
            snapshots.copy_tree(snapshot, self._folder / "app" / code["folder"], writable=True)
            log(f"Code: {self._folder / 'app' / code['folder']}")
        else:
            target = self._folder / "app" / "mlflow"
            target.mkdir(parents=True)
            shutil.copyfile(MLFLOW_SCRIPT, target / MLFLOW_SCRIPT.name)
            log("Code: the scoring script for MLflow models")
