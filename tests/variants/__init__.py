"""Tests of the variants of requests, without a service."""
