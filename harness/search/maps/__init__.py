"""What a sweep found, as maps for terminals and pages."""
