"""What CI services read: a JUnit report, and what GitHub shows of a run."""
