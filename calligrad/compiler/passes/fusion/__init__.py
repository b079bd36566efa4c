"""Fusion: lines that can be one loop nest become one line, whose op a backend compiles to a kernel."""

from __future__ import annotations

from calligrad.compiler.passes.fusion.group import Fused, Phase
from calligrad.compiler.passes.fusion.grouping import CHEAP_IN_REGISTERS, fused
from calligrad.compiler.passes.fusion.kinds import loop_dtypes

__all__ = ["CHEAP_IN_REGISTERS", "Fused", "Phase", "fused", "loop_dtypes"]
