"""The work and the decisions of each verb. Tests call these without a command line."""
