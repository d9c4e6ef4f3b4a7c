output "uri" {
  description = "Where the function is called."
  value       = google_cloudfunctions2_function.function.service_config[0].uri
}
