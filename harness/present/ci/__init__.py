"""Reports for CI services: JUnit, and GitHub's summary and annotations."""
