# The whole deployment as it is planned. Nothing is reached: the providers are mocked.

mock_provider "google" {}
mock_provider "google-beta" {}
mock_provider "archive" {}
mock_provider "datadog" {}

variables {
  project_id = "some-project"
}

run "without_slack" {
  command = plan

  assert {
    condition     = sort([for secret in google_secret_manager_secret.secret : secret.secret_id]) == tolist(["evalforge-datadog-api-key", "evalforge-datadog-app-key", "evalforge-datadog-webhook-token", "evalforge-pii-salt"])
    error_message = "A secret without a version would stop the deployment: the optional one is not made."
  }

  assert {
    condition     = alltrue([for topic in google_pubsub_topic.topic : topic.message_retention_duration == "604800s"])
    error_message = "Every topic keeps its messages for seven days."
  }

  assert {
    condition     = alltrue([for field in google_firestore_field.unindexed : field.field == "*" && length(field.index_config) == 1 && length(field.index_config[0].indexes) == 0])
    error_message = "An empty index_config takes every field out of the automatic indexes; a missing one would not."
  }

  assert {
    condition     = google_firestore_database.evalforge.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "The database is protected."
  }

  assert {
    condition     = base64decode(google_cloud_scheduler_job.resend.pubsub_target[0].data) == "{}"
    error_message = "A tick is an empty object."
  }
}

run "without_datadog" {
  command = plan

  assert {
    condition     = length(datadog_webhook.evalforge) == 0
    error_message = "Nothing is made in Datadog unless it is asked for."
  }
}

run "with_datadog" {
  command = plan

  variables {
    datadog_webhook = true
  }

  assert {
    condition     = jsondecode(datadog_webhook.evalforge[0].payload)["title"] == "$EVENT_TITLE"
    error_message = "The payload reaches Datadog with its variables as they are."
  }

  assert {
    condition     = datadog_webhook.evalforge[0].custom_headers == "{\"X-EvalForge-Token\":\"$EVALFORGE_TOKEN\"}"
    error_message = "The header names Datadog's variable, never a token."
  }
}

run "with_slack" {
  command = plan

  variables {
    slack_notices = true
  }

  assert {
    condition     = google_secret_manager_secret.secret["SLACK_WEBHOOK_URL"].secret_id == "evalforge-slack-webhook-url"
    error_message = "Slack's webhook is a secret."
  }
}

run "another_prefix" {
  command = plan

  variables {
    firestore_collection_prefix = "staging_"
    firestore_database          = "evalforge-staging"
  }

  assert {
    condition = (
      google_firestore_field.unindexed["members"].collection == "staging_members"
      && google_firestore_field.raw_traces_started_at.collection == "staging_raw_traces"
      && google_firestore_index.similar_groups.collection == "staging_groups"
    )
    error_message = "The prefix stands before the collections of every level."
  }

  assert {
    condition     = google_firestore_index.similar_groups.database == "evalforge-staging"
    error_message = "The indexes are those of the deployment's own database."
  }
}

run "without_a_model" {
  command = plan

  variables {
    ask_model    = false
    gemini_model = "gemini-without-a-price"
  }
}

run "a_model_without_a_price" {
  command = plan

  variables {
    gemini_model = "gemini-without-a-price"
  }

  expect_failures = [var.gemini_model]
}

run "another_model" {
  command = plan

  variables {
    gemini_model            = "gemini-3.5-flash-lite"
    model_prices            = "{\"gemini-3.5-flash-lite\": {\"input\": 0.3, \"output\": 2.5}}"
    model_budget_usd        = 0
    model_budget_usd_by_app = "{\"support-bot\": 2.5}"
    vertex_ai_location      = "global"
  }
}

run "a_model_that_no_service_names_so" {
  command = plan

  variables {
    ask_model    = false
    gemini_model = "Gemini 3"
  }

  expect_failures = [var.gemini_model]
}

run "prices_that_are_none" {
  command = plan

  variables {
    model_budget_usd_by_app = "{\"support-bot\": \"much\"}"
    model_prices            = "{\"gemini-3.5-flash\": {\"input\": 1.5}}"
  }

  expect_failures = [
    var.model_budget_usd_by_app,
    var.model_prices,
  ]
}

run "wrong_settings" {
  command = plan

  variables {
    datadog_site            = "example.com"
    evaluation_labels       = "[]"
    free_text               = "hide"
    free_text_by_app        = "{\"bank-bot\": \"hide\"}"
    log_level               = "LOUD"
    model_budget_usd        = -1
    model_budget_usd_by_app = "[]"
    model_prices            = "[]"
    pii_detector            = "our names"
    pii_salt_version        = "the second"
    quality_threshold       = 2
    similarity_threshold    = 0
    trace_lookback_hours    = 0.5
    vertex_ai_location      = "Belgium"
  }

  expect_failures = [
    var.datadog_site,
    var.evaluation_labels,
    var.free_text,
    var.free_text_by_app,
    var.log_level,
    var.model_budget_usd,
    var.model_budget_usd_by_app,
    var.model_prices,
    var.pii_detector,
    var.pii_salt_version,
    var.quality_threshold,
    var.similarity_threshold,
    var.trace_lookback_hours,
    var.vertex_ai_location,
  ]
}
