"""Where the checkout is: the lab works on its files, and is never installed."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "fixtures"
CONSTRAINTS = ROOT / "constraints.txt"
SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", ROOT.parent / "shared"))
"""Recordings and the published spec, which are not the project's own; they may be absent."""
