"""Takes a Datadog monitor's webhook, stores the incident, asks for a search."""
