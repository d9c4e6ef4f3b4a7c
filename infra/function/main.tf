locals {
  # What every function's environment holds.
  environment = {
    EVALFORGE_BACKEND           = "cloud"
    EVALFORGE_LOG_LEVEL         = var.deployment.log_level
    FIRESTORE_COLLECTION_PREFIX = var.deployment.firestore_collection_prefix
    FIRESTORE_DATABASE          = var.deployment.firestore_database
    GOOGLE_CLOUD_PROJECT        = var.deployment.project_id
    # Only the entry point's own folder is on Python's path by itself; the archive's root is here.
    PYTHONPATH = "/workspace"
    # functions-framework starts 4 threads a CPU by itself; fewer than the requests that come would queue them.
    # With 1 its server is another, which takes no request until the client of the one before has hung up.
    THREADS = max(2, var.concurrency)
  }

  settings = { for name, value in var.settings : name => value if value != null }
  secrets  = setunion(var.secrets, [for name, given in var.optional_secrets : name if given])
}

# As whom the function runs, and all that it may do.
resource "google_service_account" "function" {
  account_id   = var.name
  display_name = "EvalForge: ${var.entry_point}"
}

resource "google_project_iam_member" "reads_and_writes_documents" {
  project = var.deployment.project_id
  role    = "roles/datastore.user"
  member  = google_service_account.function.member

  # Firestore has no policies of its own; the condition narrows the project's to the one database.
  condition {
    title      = "only ${var.deployment.firestore_database}"
    expression = "resource.name == \"projects/${var.deployment.project_id}/databases/${var.deployment.firestore_database}\""
  }
}

resource "google_project_iam_member" "asks_models" {
  count = var.asks_models ? 1 : 0

  project = var.deployment.project_id
  role    = "roles/aiplatform.user"
  member  = google_service_account.function.member
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = toset(var.publishes)

  topic  = each.key
  role   = "roles/pubsub.publisher"
  member = google_service_account.function.member
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = local.secrets

  secret_id = var.deployment.secret_ids[each.key]
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function.member
}

# Called over HTTP, also where it has a topic: the trigger that a function can have by itself
# knows no dead letters.
resource "google_cloudfunctions2_function" "function" {
  name     = var.name
  location = var.deployment.region

  build_config {
    runtime         = "python312"
    entry_point     = var.entry_point
    service_account = var.deployment.build_account

    # Read by the build alone; at run time it would be ignored.
    environment_variables = {
      GOOGLE_FUNCTION_SOURCE = var.source_file
    }

    source {
      storage_source {
        bucket = var.deployment.bucket
        object = var.deployment.object
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function.email
    available_memory                 = var.memory
    timeout_seconds                  = var.timeout
    max_instance_count               = var.most_instances
    max_instance_request_concurrency = var.concurrency
    # More than one request at once takes a whole CPU.
    available_cpu = var.concurrency > 1 ? "1" : null
    # Pub/Sub's pushes count as internal; a webhook comes from outside.
    ingress_settings = var.public ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"

    environment_variables = merge(local.environment, local.settings)

    dynamic "secret_environment_variables" {
      for_each = local.secrets

      content {
        key        = secret_environment_variables.value
        project_id = var.deployment.project_id
        secret     = var.deployment.secret_ids[secret_environment_variables.value]
        version    = "latest"
      }
    }
  }

  # An instance starts with its secrets, or not at all.
  depends_on = [google_secret_manager_secret_iam_member.reads]
}

# Who may call it: its Cloud Run service, which has its name, is what is called.
resource "google_cloud_run_v2_service_iam_member" "may_call" {
  name     = google_cloudfunctions2_function.function.name
  location = var.deployment.region
  role     = "roles/run.invoker"
  member   = var.public ? "allUsers" : "serviceAccount:${var.deployment.push_account}"
}

resource "google_pubsub_subscription" "function" {
  count = var.topic == null ? 0 : 1

  name                       = var.name
  topic                      = var.topic
  ack_deadline_seconds       = var.timeout
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.function.service_config[0].uri

    oidc_token {
      service_account_email = var.deployment.push_account
      audience              = google_cloudfunctions2_function.function.service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # Fifty attempts reach past seven hours: an hour's outage buries nothing.
  dynamic "dead_letter_policy" {
    for_each = var.dead_letter_topic == null ? [] : [var.dead_letter_topic]

    content {
      dead_letter_topic     = "projects/${var.deployment.project_id}/topics/${dead_letter_policy.value}"
      max_delivery_attempts = 50
    }
  }

  # Without this a subscription that sees no failure for 31 days is deleted.
  expiration_policy {
    ttl = ""
  }

  # A push that is refused counts as an attempt.
  depends_on = [google_cloud_run_v2_service_iam_member.may_call]
}

# Pub/Sub's agent takes a message off the subscription when it moves it to the dead letters.
resource "google_pubsub_subscription_iam_member" "pubsub_buries" {
  count = var.topic != null && var.dead_letter_topic != null ? 1 : 0

  subscription = google_pubsub_subscription.function[0].name
  role         = "roles/pubsub.subscriber"
  member       = var.deployment.pubsub_agent
}
