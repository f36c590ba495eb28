"""The service over HTTP: typed answers, typed errors, retries. Knows nothing of Pulumi."""
