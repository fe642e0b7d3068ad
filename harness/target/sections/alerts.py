"""The rules by which Prometheus watches the service in production: `[alerts]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.documents import Table, Text
from harness.target.sections.times import Seconds


class AlertsDescription(Table):
    """Optional: the rules by which Prometheus watches the service in production. `lab.alerts` tries them.

    A Prometheus beside the service reads its metrics (`metrics` of `[probes]`) and follows the same rules, only faster.
    """

    rules: Text
    """The file of rules, by its path from this description."""
    job: Text = "service"
    """The name of the job by which production's Prometheus scrapes the service: the label `job` of its metrics."""
    faster: Annotated[float, Field(ge=1, le=1000)] = 30.0
    """How much faster: each duration of the rules, and `scrape_interval_s`, is divided by it. A number of seconds
    within an expression is not changed."""
    scrape_interval_s: Seconds = 15.0
    """How often production's Prometheus scrapes the service."""
