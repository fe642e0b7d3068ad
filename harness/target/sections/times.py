"""Spans of time in a target description."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.vocabulary.refusals import DAY_S

Seconds = Annotated[float, Field(gt=0, le=DAY_S, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(gt=0, le=1000 * DAY_S, allow_inf_nan=False)]
