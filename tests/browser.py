"""Pages as headless Chromium sees them."""

import html
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Seen:
    """A page after it was loaded: its DOM as text, and what stands in the console."""

    dom: str
    console: list[str]


def chromium() -> str:
    """Path of the browser: $CHROMIUM, or the first on PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "pages are tested in Chromium: install it (Debian: apt install chromium) or set CHROMIUM to its path"
    return found


def see(page: Path, profile: Path, *flags: str) -> Seen:
    """Opens a file.

    Args:
        profile: folder for what the browser keeps.
        flags: more flags of Chromium.
    """
    line = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    line += ["--enable-logging=stderr", "--dump-dom", *flags, page.as_uri()]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    return Seen(done.stdout, re.findall(r":CONSOLE[^\]]*\] (.*)", done.stderr))


def overflow(page: Path, width: int, profile: Path) -> int:
    """By how many pixels a page is wider than a screen of `width` pixels, such as a phone's."""
    frame = profile.with_name(f"{page.stem}-{width}.html")
    text = html.escape(page.read_text(encoding="utf-8"))
    script = "const page = this.contentDocument.documentElement; document.title = page.scrollWidth - page.clientWidth"
    frame.write_text(
        f'<!doctype html><title></title><iframe width="{width}" height="800" srcdoc="{text}" onload="{script}">'
    )
    found = re.search(r"<title>(\d+)</title>", see(frame, profile).dom)
    assert found, "the page did not load in a frame"
    return int(found[1])
