"""PostgreSQL refuses the service's logins: by a limit, a changed password, or lack of free slots."""
