# Environment variables and the Secret Manager secrets that they come from. Terraform makes the
# secrets, never their values: those would stand in its state.
locals {
  secret_ids = {
    DATADOG_API_KEY       = "evalforge-datadog-api-key"
    DATADOG_APP_KEY       = "evalforge-datadog-app-key"
    DATADOG_WEBHOOK_TOKEN = "evalforge-datadog-webhook-token"
    PII_SALT              = "evalforge-pii-salt"
  }

  # What the functions work without: a secret that has no version would stop their deployment.
  optional_secret_ids = {
    SLACK_WEBHOOK_URL = "evalforge-slack-webhook-url"
  }
}

resource "google_secret_manager_secret" "secret" {
  for_each = merge(local.secret_ids, var.slack_notices ? local.optional_secret_ids : {})

  secret_id = each.value

  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}
