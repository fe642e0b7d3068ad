"""A Prometheus beside the service: its program, its rules, and the states of its alerts."""

from harness.stack.prometheus.process import AlertState, Prometheus, PrometheusConfiguration, RuleSeen
from harness.stack.prometheus.program import find_prometheus, prometheus_available
from harness.stack.prometheus.rules import faster_rules

__all__ = [
    "AlertState",
    "Prometheus",
    "PrometheusConfiguration",
    "RuleSeen",
    "faster_rules",
    "find_prometheus",
    "prometheus_available",
]
