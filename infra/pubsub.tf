# Every arrow of the flow; each is kept for seven days, so that a subscription can be sought back.
resource "google_pubsub_topic" "topic" {
  for_each = toset([
    "evalforge-alerts",
    "evalforge-failures",
    "evalforge-captures",
    "evalforge-patterns",
    "evalforge-suggestions",
    "evalforge-artifacts",
    "evalforge-dead-letters",
    "evalforge-resends",
    "evalforge-contrasts",
  ])

  name                       = each.key
  message_retention_duration = "604800s"

  depends_on = [google_project_service.api]
}

# As whom Pub/Sub calls the functions; each lets this account in, and nobody else.
resource "google_service_account" "push" {
  account_id   = "evalforge-push"
  display_name = "EvalForge: pushes messages to the functions"

  depends_on = [google_project_service.api]
}

# Pub/Sub's own agent; asking for it makes it, where a new project does not have it yet.
resource "google_project_service_identity" "pubsub" {
  provider = google-beta
  service  = "pubsub.googleapis.com"

  depends_on = [google_project_service.api]
}

# It signs the tokens that a push carries,
resource "google_service_account_iam_member" "pubsub_signs_pushes" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_project_service_identity.pubsub.member
}

# and moves what was tried too often from its subscription (see ./function) to the dead letters.
resource "google_pubsub_topic_iam_member" "pubsub_buries" {
  topic  = google_pubsub_topic.topic["evalforge-dead-letters"].name
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.pubsub.member
}

# Cloud Scheduler's own agent, which has its role since its API is on, publishes the ticks.
resource "google_cloud_scheduler_job" "resend" {
  name        = "evalforge-resend"
  description = "Has transient dead letters sent again."
  region      = var.region
  schedule    = "*/10 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.topic["evalforge-resends"].id
    data       = base64encode("{}")
  }
}

resource "google_cloud_scheduler_job" "recontrast" {
  name        = "evalforge-recontrast"
  description = "Has failures held anew against healthy runs, where these have changed."
  region      = var.region
  schedule    = "*/10 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.topic["evalforge-contrasts"].id
    data       = base64encode("{}")
  }
}

# Open incidents are searched again for what came late, and Datadog for what no monitor has seen.
resource "google_cloud_scheduler_job" "follow" {
  name        = "evalforge-follow"
  description = "Has open incidents searched again, and Datadog polled."
  region      = var.region
  schedule    = "*/15 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.topic["evalforge-alerts"].id
    data       = base64encode("{\"incident_id\":\"tick\"}")
  }
}
