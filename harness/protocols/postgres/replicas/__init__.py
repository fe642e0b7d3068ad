"""A standby from which the service reads: put behind a link, delayed, or promoted."""
