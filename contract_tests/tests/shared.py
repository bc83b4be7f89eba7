"""The shared recordings and the published spec, where they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", ROOT.parent / "shared"))

needs_recordings = pytest.mark.skipif(
    not (SHARED / "recordings" / "openai.jsonl").exists(),
    reason=f"the shared recordings are not at {SHARED} (set OPENAI_CONTRACT_SHARED)",
)
needs_spec = pytest.mark.skipif(
    not (SHARED / "openapi.json").exists(),
    reason=f"the published spec is not at {SHARED} (set OPENAI_CONTRACT_SHARED)",
)
