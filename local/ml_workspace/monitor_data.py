"""Production and reference data of a monitor's signals, checked and completed when its schedule is made."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import bindings, windows
from .catalog import Row
from .errors import WorkspaceError
from .monitor_defaults import COLLECTIONS
from .resolve import is_asset
from .trigger import Warn

if TYPE_CHECKING:
    from .workspace import Workspace

OUTPUTS = "model_outputs"


class MonitorData:
    """Completes the data of signals.

    Args:
        source: folder where relative local paths start.
        days: of production data that are looked at where a signal does not say.
        warn: told what Azure does otherwise.

    Attributes:
        collected: collection -> its data asset, of the deployment that is watched.
    """

    def __init__(self, ws: "Workspace", source: Path, days: int, warn: Warn) -> None:
        self._ws, self._source, self._days, self._warn = ws, source, days, warn
        self.collected: dict[str, Row] = {}

    def default_production(self, kind: str) -> Any:
        """What a signal without production data reads: the collections of its kind.

        Raises:
            WorkspaceError: they are not collected.
        """
        names = [COLLECTIONS[kind], *([OUTPUTS] if kind == "feature_attribution_drift" else [])] \
            if kind in COLLECTIONS else []  # fmt: skip
        missing = [name for name in names if name not in self.collected]
        if not names or missing:
            raise WorkspaceError(
                f"production_data: is missing, and monitoring_target names no deployment that collects "
                f"{' and '.join(missing) or 'it'}."
            )
        found = [self._collection(name, {"lookback_window_size": f"P{self._days}D", "lookback_window_offset": "P0D"})
                 for name in names]  # fmt: skip
        return found if kind == "feature_attribution_drift" else found[0]

    def default_reference(self, kind: str) -> Row:
        """What a signal without reference data compares with: the same collected data, further back.

        Raises:
            WorkspaceError: they are not collected.
        """
        name = COLLECTIONS.get(kind)
        if kind == "feature_attribution_drift" or name not in self.collected:
            raise WorkspaceError("reference_data: is missing; name the data that production data are compared with.")
        # Twice as much, up to where production data begin.
        window = {"lookback_window_size": f"P{2 * self._days}D", "lookback_window_offset": f"P{self._days}D"}
        return self._collection(name, window)

    def _collection(self, name: str, window: Row) -> Row:
        asset = self.collected[name]
        return {
            "input_data": {"type": "uri_folder", "path": f"azureml:{asset['name']}:{asset['version']}"},
            "data_context": name,
            "data_window": window,
        }

    def production(self, data: Row, where: str) -> None:
        """Complete production data: the window, the exact version.

        Raises:
            WorkspaceError: a field that is wrong; NotFound: it names something that is not there.
        """
        window = data.get("data_window") or {}
        if window.get("window_start") or window.get("window_end"):
            raise WorkspaceError(
                f"{where}.data_window: production data have lookback_window_size and lookback_window_offset only."
            )
        size = window.get("lookback_window_size")
        data["data_window"] = {
            "lookback_window_size": f"P{self._days}D" if size in (None, "default") else size,
            "lookback_window_offset": window.get("lookback_window_offset") or "P0D",
        }
        windows.bounds(data["data_window"], dt.datetime.now(dt.UTC), f"{where}.data_window")
        self._data(data, where)
        if data["input_data"]["type"] != "uri_folder" and not data.get("pre_processing_component"):
            self._warn(
                f"create_monitor: {where}: its type is {data['input_data']['type']}, so every run sees all of it, "
                "whatever the window; only collected data and a pre_processing_component have windows."
            )

    def reference(self, data: Row, where: str) -> None:
        """Complete reference data; without a window they are all of the asset.

        Raises:
            WorkspaceError: a field that is wrong; NotFound: it names something that is not there.
        """
        window = {key: value for key, value in (data.get("data_window") or {}).items() if value is not None}
        fixed = "lookback_window_size" not in window and not {"window_start", "window_end"} <= window.keys()
        if fixed:
            data.pop("data_window", None)
            if data.pop("pre_processing_component", None):
                self._warn(
                    f"create_monitor: {where}.pre_processing_component: Azure's client drops it where there is no "
                    "data_window, and so it is here: all of the data is taken as it is."
                )
        else:
            windows.bounds(window, dt.datetime.now(dt.UTC), f"{where}.data_window")
        self._data(data, where)

    def _data(self, data: Row, where: str) -> None:
        data["input_data"] = self.input(data.get("input_data") or {}, f"{where}.input_data")
        if component := data.get("pre_processing_component"):
            with bindings.in_field(f"{where}.pre_processing_component"):
                data["pre_processing_component"] = self._ws.assets.at("component", prefixed(component))["id"]

    def input(self, given: Row, where: str) -> Row:
        """{type, path}: the path of an asset with its version, or a URI in a datastore."""
        path = str(given.get("path") or "")
        if not path:
            raise WorkspaceError(f"{where}.path: is missing.")
        with bindings.in_field(where):
            if is_asset(path):
                asset, kind, _ = self._ws.resolve.asset(path, models=False)
                return {**given, "type": given.get("type") or kind, "path": asset}
            if "://" in path:
                self._ws.resolve.path(path)
                return {"type": "uri_folder", **given}
            return {"type": "uri_folder", **given, "path": self._ws.assets.upload(self._source / path, "path")}


def prefixed(reference: str) -> str:
    """Azure's client takes NAME:VERSION for azureml:NAME:VERSION."""
    return reference if reference.startswith(("azureml:", "/")) else f"azureml:{reference}"
