"""What is done to an integration, and when it is refused. Knows neither Pulumi nor httpx."""
