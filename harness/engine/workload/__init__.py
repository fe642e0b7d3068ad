"""What is sent to the service: deliveries, other requests of the contract, and load."""
