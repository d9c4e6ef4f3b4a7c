output "secrets" {
  description = "The secrets that need a version before the functions can be deployed."
  value       = [for secret in google_secret_manager_secret.secret : secret.secret_id]
}

output "webhook_url" {
  description = "Where Datadog's webhook posts, with the header X-EvalForge-Token; datadog_webhook makes it."
  value       = module.receive_alert.uri
}
