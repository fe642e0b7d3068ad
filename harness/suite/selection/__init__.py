"""Which scenarios a user means, and which of them this machine cannot run."""
