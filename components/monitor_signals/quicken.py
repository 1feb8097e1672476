"""Settings that have to be made before NumPy and Arrow are loaded; nothing but speed depends on them."""

import os
import sys
from pathlib import Path

CPU = Path("/proc/cpuinfo")


class WithoutPandas:
    """Answers at once that there is no pandas.

    Arrow looks for it whenever it turns values into NumPy's. Searching for what is not there, as in the job's
    environment, takes longer than converting; loading it, elsewhere, takes longer than the smaller monitors.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """As Python's import asks; other modules are left to the finders that come next."""
        if name == "pandas":
            raise ModuleNotFoundError("monitors do without pandas", name=name)


def quicken() -> None:
    """Make these settings for this process."""
    sys.meta_path.insert(0, WithoutPandas)
    text = CPU.read_text(encoding="utf-8") if CPU.exists() else ""
    if "AuthenticAMD" in text and "avx512f" in text:
        # NumPy sorts with AVX-512 where it can. On AMD's processors that takes 6 times as long as with AVX2, since the
        # instruction that it lives on, a compressing store, is slow there.
        os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")
