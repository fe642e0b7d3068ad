"""The verbs of a scenario, by what they act on. `Lab` has them all."""
