"""Tests of the approved form of what a service says, without a service."""
