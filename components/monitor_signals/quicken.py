"""A setting that has to be made before NumPy is loaded; nothing but speed depends on it."""

import os
from pathlib import Path

CPU = Path("/proc/cpuinfo")


def quicken() -> None:
    """On AMD's processors let NumPy sort with AVX2 instead of AVX-512.

    The compressing store that its sort with AVX-512 lives on is slow there: sorting takes 6 times as long, and all
    metrics of a million rows twice as long.
    """
    text = CPU.read_text(encoding="utf-8") if CPU.exists() else ""
    if "AuthenticAMD" in text and "avx512f" in text:
        os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")
