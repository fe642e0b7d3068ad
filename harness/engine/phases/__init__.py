"""What is done with a service around a fault: steady state, recovery, rest, figures."""
