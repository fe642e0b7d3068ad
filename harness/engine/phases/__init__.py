"""The phases around a fault: steady state, recovery, rest, figures."""
