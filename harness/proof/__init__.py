"""From verdicts to proof: what protects, what a run is compared with, what a candidate makes worse."""
