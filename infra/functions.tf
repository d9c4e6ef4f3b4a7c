# Every deployed function. A function with a topic is pushed that topic's messages; the one without
# is called from outside. What they have in common is made in ./function.
locals {
  deployment = {
    project_id                  = var.project_id
    region                      = var.region
    bucket                      = google_storage_bucket.source.name
    object                      = google_storage_bucket_object.source.name
    build_account               = google_service_account.build.id
    push_account                = google_service_account.push.email
    pubsub_agent                = google_project_service_identity.pubsub.member
    secret_ids                  = { for name, secret in google_secret_manager_secret.secret : name => secret.secret_id }
    firestore_database          = google_firestore_database.evalforge.name
    firestore_collection_prefix = var.firestore_collection_prefix
    log_level                   = var.log_level
  }
}

# Anyone may call it: Datadog's webhooks have no Google identity. It refuses, before it reads
# anything, whoever does not send DATADOG_WEBHOOK_TOKEN (X-EvalForge-Token, or a password).
module "receive_alert" {
  source     = "./function"
  deployment = local.deployment

  name           = "evalforge-receive-alert"
  entry_point    = "receive_alert"
  source_file    = "functions/receive_alert/main.py"
  public         = true
  publishes      = [google_pubsub_topic.topic["evalforge-alerts"].name]
  memory         = "512Mi"
  timeout        = 15 # Datadog gives a webhook up after 15 seconds.
  concurrency    = 40
  most_instances = 10

  settings = {
    TRACE_LOOKBACK_HOURS = var.trace_lookback_hours
  }
  secrets = ["DATADOG_WEBHOOK_TOKEN"]
}

module "find_failures" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-find-failures"
  entry_point       = "find_failures"
  source_file       = "functions/find_failures/main.py"
  topic             = google_pubsub_topic.topic["evalforge-alerts"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes = [
    google_pubsub_topic.topic["evalforge-alerts"].name,
    google_pubsub_topic.topic["evalforge-failures"].name,
  ]
  memory         = "512Mi"
  timeout        = 540
  concurrency    = 1
  most_instances = 10

  settings = {
    DATADOG_SITE             = var.datadog_site
    EVALUATION_DELAY_MINUTES = var.evaluation_delay_minutes
    EVALUATION_LABELS        = var.evaluation_labels
    PII_SALT_VERSION         = var.pii_salt_version
    POLL_DATADOG             = var.poll_datadog
    QUALITY_THRESHOLD        = var.quality_threshold
    TOXICITY_THRESHOLD       = var.toxicity_threshold
    TRACE_LOOKBACK_HOURS     = var.trace_lookback_hours
  }
  secrets = ["DATADOG_API_KEY", "DATADOG_APP_KEY", "PII_SALT"]
}

module "sanitize" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-sanitize"
  entry_point       = "sanitize"
  source_file       = "functions/sanitize/main.py"
  topic             = google_pubsub_topic.topic["evalforge-failures"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes = [
    google_pubsub_topic.topic["evalforge-captures"].name,
    google_pubsub_topic.topic["evalforge-suggestions"].name,
  ]
  memory         = "1024Mi"
  timeout        = 300
  concurrency    = 4
  most_instances = 10

  settings = {
    DATADOG_SITE             = var.datadog_site
    EVALUATION_DELAY_MINUTES = var.evaluation_delay_minutes
    EVALUATION_LABELS        = var.evaluation_labels
    FREE_TEXT                = var.free_text
    FREE_TEXT_BY_APP         = var.free_text_by_app
    PII_DETECTOR             = var.pii_detector
    PII_SALT_VERSION         = var.pii_salt_version
    QUALITY_THRESHOLD        = var.quality_threshold
    TOXICITY_THRESHOLD       = var.toxicity_threshold
  }
  secrets = ["DATADOG_API_KEY", "DATADOG_APP_KEY", "PII_SALT"]
}

module "extract" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-extract"
  entry_point       = "extract"
  source_file       = "functions/extract/main.py"
  topic             = google_pubsub_topic.topic["evalforge-captures"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes         = [google_pubsub_topic.topic["evalforge-patterns"].name]
  asks_models       = true
  memory            = "512Mi"
  timeout           = 120 # It may wait 40 seconds for another's call to a model, then make its own of 30.
  concurrency       = 8
  most_instances    = 10

  settings = {
    ASK_MODEL               = var.ask_model
    GEMINI_MODEL            = var.gemini_model
    MODEL_BUDGET_USD        = var.model_budget_usd
    MODEL_BUDGET_USD_BY_APP = var.model_budget_usd_by_app
    MODEL_PRICES            = var.model_prices
    VERTEX_AI_LOCATION      = var.vertex_ai_location
  }
}

module "deduplicate" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-deduplicate"
  entry_point       = "deduplicate"
  source_file       = "functions/deduplicate/main.py"
  topic             = google_pubsub_topic.topic["evalforge-patterns"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes         = [google_pubsub_topic.topic["evalforge-suggestions"].name]
  memory            = "512Mi"
  timeout           = 120
  concurrency       = 8
  most_instances    = 10

  settings = {
    SIMILARITY_THRESHOLD = var.similarity_threshold
  }
}

module "generate" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-generate"
  entry_point       = "generate"
  source_file       = "functions/generate/main.py"
  topic             = google_pubsub_topic.topic["evalforge-suggestions"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes         = [google_pubsub_topic.topic["evalforge-artifacts"].name]
  memory            = "512Mi"
  timeout           = 300
  concurrency       = 4
  most_instances    = 10
}

module "deliver" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-deliver"
  entry_point       = "deliver"
  source_file       = "functions/deliver/main.py"
  topic             = google_pubsub_topic.topic["evalforge-artifacts"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  memory            = "512Mi"
  timeout           = 120
  concurrency       = 8
  most_instances    = 10

  optional_secrets = {
    SLACK_WEBHOOK_URL = var.slack_notices
  }
}

# The last stop: it has no dead letters of its own, and is tried until its messages expire.
module "bury" {
  source     = "./function"
  deployment = local.deployment

  name           = "evalforge-bury"
  entry_point    = "bury"
  source_file    = "functions/bury/main.py"
  topic          = google_pubsub_topic.topic["evalforge-dead-letters"].name
  memory         = "512Mi"
  timeout        = 120
  concurrency    = 8
  most_instances = 10
}

module "resend" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-resend"
  entry_point       = "resend"
  source_file       = "functions/resend/main.py"
  topic             = google_pubsub_topic.topic["evalforge-resends"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes = [
    google_pubsub_topic.topic["evalforge-alerts"].name,
    google_pubsub_topic.topic["evalforge-failures"].name,
    google_pubsub_topic.topic["evalforge-captures"].name,
    google_pubsub_topic.topic["evalforge-patterns"].name,
    google_pubsub_topic.topic["evalforge-suggestions"].name,
    google_pubsub_topic.topic["evalforge-artifacts"].name,
  ]
  memory         = "512Mi"
  timeout        = 120
  concurrency    = 8
  most_instances = 1
}

module "recontrast" {
  source     = "./function"
  deployment = local.deployment

  name              = "evalforge-recontrast"
  entry_point       = "recontrast"
  source_file       = "functions/recontrast/main.py"
  topic             = google_pubsub_topic.topic["evalforge-contrasts"].name
  dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name
  publishes         = [google_pubsub_topic.topic["evalforge-captures"].name]
  memory            = "512Mi"
  timeout           = 540
  concurrency       = 8
  most_instances    = 1
}
