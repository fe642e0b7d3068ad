"""What the report draws: timelines, panels, grids and maps."""
