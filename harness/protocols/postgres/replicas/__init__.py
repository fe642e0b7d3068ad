"""A standby that the service reads: how it is put behind a link, held up, or made the primary."""
