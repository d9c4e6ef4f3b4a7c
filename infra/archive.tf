# One archive of the two source folders serves every function; requirements.txt stands at its root,
# where the build looks for it.
locals {
  root = "${path.module}/.."

  # All files, whatever they hold, but what Python compiles and hidden files (an editor's, .env).
  # They must be UTF-8: file() refuses others, and the plan fails rather than to leave one out.
  source_files = setunion(
    [for file in fileset(local.root, "{functions,shared}/**") : file if !can(regex("(^|/)(__pycache__/|\\.)|\\.pyc$", file))],
    ["requirements.txt"],
  )
}

data "archive_file" "source" {
  type        = "zip"
  output_path = "${path.module}/.build/source.zip"

  dynamic "source" {
    for_each = local.source_files

    content {
      filename = source.value
      content  = file("${local.root}/${source.value}")
    }
  }
}

resource "google_storage_bucket" "source" {
  name                        = "${var.project_id}-evalforge-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  # It holds nothing that this configuration does not make again.
  force_destroy = true

  depends_on = [google_project_service.api]
}

resource "google_storage_bucket_object" "source" {
  # The hash in the name makes a changed source a new deployment.
  name   = "source-${data.archive_file.source.output_sha256}.zip"
  bucket = google_storage_bucket.source.name
  source = data.archive_file.source.output_path

  # Every function waits for the archive, and so for the account that builds it.
  depends_on = [google_project_iam_member.build]
}

# Who builds the functions: the default account of new projects may not.
resource "google_service_account" "build" {
  account_id   = "evalforge-build"
  display_name = "EvalForge: builds the functions"

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "build" {
  for_each = toset([
    "roles/artifactregistry.writer",
    "roles/logging.logWriter",
    # Cloud Functions copies the archive into a bucket of its own, where the build reads it.
    "roles/storage.objectViewer",
  ])

  project = var.project_id
  role    = each.key
  member  = google_service_account.build.member
}
