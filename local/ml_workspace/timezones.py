"""Time zones by the names that Azure's schedules take: those of Windows, and those of the IANA database."""

import zoneinfo

from .errors import WorkspaceError

# Names that azure-ai-ml lists though Windows has retired them, so that Unicode's table lacks them.
RETIRED = {"mid-atlantic standard time": "Atlantic/South_Georgia", "kamchatka standard time": "Asia/Kamchatka"}


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The time zone `Pacific Standard Time` or `America/Los_Angeles`; daylight saving is part of either.

    Raises:
        WorkspaceError: there is none of this name.
    """
    from tzlocal.windows_tz import win_tz  # Unicode's table of Windows' names

    lowered = name.strip().lower()
    windows = {key.lower(): iana for key, iana in win_tz.items()} | RETIRED
    try:
        return zoneinfo.ZoneInfo(windows.get(lowered, name.strip()))
    except (KeyError, OSError, ValueError) as error:  # not there; a folder of the database; a path
        raise WorkspaceError(
            f"trigger.time_zone: there is no time zone '{name}'. Azure takes names such as UTC, 'Pacific Standard "
            "Time' or 'W. Europe Standard Time'; the local workspace takes Europe/Berlin, too."
        ) from error
