"""What comes before a project's scenarios run: its first files, and what the machine and the service offer."""
