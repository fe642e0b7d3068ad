"""The webhook service: takes signed deliveries over HTTP and stores each exactly once."""
