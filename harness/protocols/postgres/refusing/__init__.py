"""PostgreSQL refuses the service's logins: by a limit, by another password, or because it has no slot left."""
