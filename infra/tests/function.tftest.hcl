# The wiring inside ./function, by itself. Nothing is reached: the providers are mocked.

mock_provider "google" {
  mock_resource "google_cloudfunctions2_function" {
    defaults = {
      service_config = {
        uri = "https://evalforge-sanitize.example.invalid"
      }
    }
  }

  mock_resource "google_service_account" {
    defaults = {
      email  = "evalforge-sanitize@some-project.iam.gserviceaccount.com"
      member = "serviceAccount:evalforge-sanitize@some-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  deployment = {
    project_id                  = "some-project"
    region                      = "europe-west1"
    bucket                      = "some-bucket"
    object                      = "source-abc.zip"
    build_account               = "projects/some-project/serviceAccounts/build@some-project.iam.gserviceaccount.com"
    push_account                = "push@some-project.iam.gserviceaccount.com"
    pubsub_agent                = "serviceAccount:agent@gcp-sa-pubsub.iam.gserviceaccount.com"
    secret_ids                  = { PII_SALT = "evalforge-pii-salt" }
    firestore_database          = "some-database"
    firestore_collection_prefix = "evalforge_"
    log_level                   = "INFO"
  }
  name           = "evalforge-sanitize"
  entry_point    = "sanitize"
  source_file    = "functions/sanitize/main.py"
  memory         = "1024Mi"
  timeout        = 300
  concurrency    = 4
  most_instances = 10
}

run "one_request_at_a_time_takes_no_whole_cpu" {
  module {
    source = "./function"
  }

  variables {
    topic       = "evalforge-alerts"
    concurrency = 1
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].available_cpu != "1"
    error_message = "The CPU follows from the memory."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].environment_variables["THREADS"] == "2"
    error_message = "With one thread functions-framework's server is another, which waits for each client to hang up."
  }
}

run "a_pushed_function" {
  module {
    source = "./function"
  }

  variables {
    topic             = "evalforge-failures"
    dead_letter_topic = "evalforge-dead-letters"
    publishes         = ["evalforge-captures"]
    settings          = { QUALITY_THRESHOLD = 0.5, SIMILARITY_THRESHOLD = null }
    secrets           = ["PII_SALT"]
    optional_secrets  = { SLACK_WEBHOOK_URL = false }
  }

  assert {
    condition     = google_cloudfunctions2_function.function.build_config[0].environment_variables == tomap({ GOOGLE_FUNCTION_SOURCE = "functions/sanitize/main.py" })
    error_message = "The build must be told which file holds the entry point."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.build_config[0].entry_point == "sanitize"
    error_message = "The entry point is the function's own."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.build_config[0].source[0].storage_source[0].object == "source-abc.zip"
    error_message = "Every function is built from the one archive."
  }

  assert {
    condition = google_cloudfunctions2_function.function.service_config[0].environment_variables == tomap({
      EVALFORGE_BACKEND           = "cloud"
      EVALFORGE_LOG_LEVEL         = "INFO"
      FIRESTORE_COLLECTION_PREFIX = "evalforge_"
      FIRESTORE_DATABASE          = "some-database"
      GOOGLE_CLOUD_PROJECT        = "some-project"
      PYTHONPATH                  = "/workspace"
      QUALITY_THRESHOLD           = "0.5"
      THREADS                     = "4"
    })
    error_message = "The environment is the common one and the function's own settings; a null one is left out."
  }

  assert {
    condition     = [for one in google_cloudfunctions2_function.function.service_config[0].secret_environment_variables : "${one.key}=${one.secret}"] == ["PII_SALT=evalforge-pii-salt"]
    error_message = "It is given its own secrets, and an optional one only where it is given."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].available_cpu == "1"
    error_message = "Several requests at once take a whole CPU."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "A pushed function is not reached from outside."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].service_account_email == google_service_account.function.email
    error_message = "It runs as its own account."
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.may_call.member == "serviceAccount:push@some-project.iam.gserviceaccount.com"
    error_message = "Pub/Sub's account alone may call it."
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.may_call.name == "evalforge-sanitize"
    error_message = "What is called is its Cloud Run service."
  }

  assert {
    condition     = google_project_iam_member.reads_and_writes_documents.condition[0].expression == "resource.name == \"projects/some-project/databases/some-database\""
    error_message = "It may use the one database only."
  }

  assert {
    condition     = [for one in google_pubsub_topic_iam_member.publishes : "${one.topic} ${one.role}"] == ["evalforge-captures roles/pubsub.publisher"]
    error_message = "It may publish to its own topics only."
  }

  assert {
    condition     = [for one in google_secret_manager_secret_iam_member.reads : "${one.secret_id} ${one.role}"] == ["evalforge-pii-salt roles/secretmanager.secretAccessor"]
    error_message = "It may read its own secrets only."
  }

  assert {
    condition     = google_pubsub_subscription.function[0].ack_deadline_seconds == 300
    error_message = "Pub/Sub waits as long as the function may run."
  }

  assert {
    condition = (
      google_pubsub_subscription.function[0].push_config[0].push_endpoint == google_cloudfunctions2_function.function.service_config[0].uri
      && google_pubsub_subscription.function[0].push_config[0].oidc_token[0].audience == google_cloudfunctions2_function.function.service_config[0].uri
      && google_pubsub_subscription.function[0].push_config[0].oidc_token[0].service_account_email == "push@some-project.iam.gserviceaccount.com"
    )
    error_message = "Messages are pushed to the function, with a token made for it."
  }

  assert {
    condition = (
      google_pubsub_subscription.function[0].dead_letter_policy[0].dead_letter_topic == "projects/some-project/topics/evalforge-dead-letters"
      && google_pubsub_subscription.function[0].dead_letter_policy[0].max_delivery_attempts == 50
    )
    error_message = "What fifty attempts failed is a dead letter."
  }

  assert {
    condition     = google_pubsub_subscription.function[0].expiration_policy[0].ttl == ""
    error_message = "A quiet subscription stays."
  }

  assert {
    condition     = google_pubsub_subscription_iam_member.pubsub_buries[0].member == "serviceAccount:agent@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Without this role Pub/Sub cannot move a dead letter."
  }
}

run "a_function_that_asks_no_model" {
  command = plan

  module {
    source = "./function"
  }

  variables {
    topic = "evalforge-patterns"
  }

  assert {
    condition     = length(google_project_iam_member.asks_models) == 0
    error_message = "A role that nothing needs is not given."
  }
}

run "a_function_that_asks_models" {
  module {
    source = "./function"
  }

  variables {
    topic       = "evalforge-captures"
    asks_models = true
  }

  assert {
    condition     = [for one in google_project_iam_member.asks_models : "${one.project} ${one.role} ${one.member}"] == ["some-project roles/aiplatform.user serviceAccount:evalforge-sanitize@some-project.iam.gserviceaccount.com"]
    error_message = "Its own account may ask models."
  }
}

run "a_function_that_buries" {
  command = plan

  module {
    source = "./function"
  }

  variables {
    topic = "evalforge-dead-letters"
  }

  assert {
    condition     = length(google_pubsub_subscription.function[0].dead_letter_policy) == 0
    error_message = "Dead letters have no dead letters."
  }

  assert {
    condition     = length(google_pubsub_subscription_iam_member.pubsub_buries) == 0
    error_message = "A role that nothing needs is not given."
  }
}

run "a_public_function" {
  command = plan

  module {
    source = "./function"
  }

  variables {
    public  = true
    timeout = 15
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.may_call.member == "allUsers"
    error_message = "A webhook has no Google identity."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].ingress_settings == "ALLOW_ALL"
    error_message = "A webhook comes from outside."
  }

  assert {
    condition     = length(google_pubsub_subscription.function) == 0
    error_message = "Nothing is pushed to it."
  }
}

run "an_optional_secret_that_is_given" {
  command = plan

  module {
    source = "./function"
  }

  variables {
    topic            = "evalforge-artifacts"
    optional_secrets = { PII_SALT = true }
  }

  assert {
    condition     = length(google_secret_manager_secret_iam_member.reads) == 1
    error_message = "A secret that is given may be read."
  }
}

run "neither_pushed_nor_public" {
  command = plan

  module {
    source = "./function"
  }

  expect_failures = [var.public]
}

run "a_timeout_that_no_subscription_waits_for" {
  command = plan

  module {
    source = "./function"
  }

  variables {
    topic   = "evalforge-alerts"
    timeout = 541
  }

  expect_failures = [var.timeout]
}
