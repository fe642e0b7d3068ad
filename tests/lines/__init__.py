"""Which lines of the webhook the suite never runs: nobody would notice a change of these."""
