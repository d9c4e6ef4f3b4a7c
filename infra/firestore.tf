resource "google_firestore_database" "evalforge" {
  name                    = var.firestore_database
  location_id             = var.firestore_location
  type                    = "FIRESTORE_NATIVE"
  database_edition        = "STANDARD" # The other one has no single-field settings.
  delete_protection_state = "DELETE_PROTECTION_ENABLED"
  deletion_policy         = "ABANDON" # Destroying the deployment leaves the data.

  depends_on = [google_project_service.api]
}

# Captures are large and their fields are their callers' own: indexed by default, one document
# could need more index entries than Firestore takes (40,000), and each would cost a write.
# So no field of any collection is indexed, but those that a query below needs.
resource "google_firestore_field" "unindexed" {
  for_each = toset([
    "incidents",
    "searches",
    "control_groups",
    "raw_traces",
    "healthy_traces",
    "courses",
    "contrasts",
    "failure_patterns",
    "groups",
    "improvement_suggestions",
    "approved_improvements",
    "exports",
    "outbox",
    "dead_letters",
    "spend",
    "narratives",
    "artifacts",
    "calls",
    "chunks",
    "events",
    "members",
    "rosters",
  ])

  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}${each.key}"
  field      = "*"

  index_config {}
}

# Queries by one field. The document id comes last in every index by itself.
resource "google_firestore_field" "raw_traces_started_at" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}raw_traces"
  field      = "started_at"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "raw_traces_stored_at" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}raw_traces"
  field      = "stored_at"

  index_config {
    indexes {
      order       = "DESCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "healthy_traces_started_at" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}healthy_traces"
  field      = "started_at"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "healthy_traces_stored_at" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}healthy_traces"
  field      = "stored_at"

  index_config {
    indexes {
      order       = "DESCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "failure_patterns_withdrawn" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}failure_patterns"
  field      = "withdrawn"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "improvement_suggestions_first_seen" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}improvement_suggestions"
  field      = "first_seen"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "contrasts_state" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}contrasts"
  field      = "state"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "spend_day" {
  database   = google_firestore_database.evalforge.name
  collection = "${var.firestore_collection_prefix}spend"
  field      = "day"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }
}

# Queries by several fields.
resource "google_firestore_index" "courses_latest_first" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}courses"
  query_scope = "COLLECTION"

  fields {
    field_path = "ml_app"
    order      = "ASCENDING"
  }
  fields {
    field_path = "env"
    order      = "ASCENDING"
  }
  fields {
    field_path = "started_at"
    order      = "DESCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "DESCENDING"
  }
}

resource "google_firestore_index" "contrasted_latest_first" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}failure_patterns"
  query_scope = "COLLECTION"

  fields {
    field_path = "ml_app"
    order      = "ASCENDING"
  }
  fields {
    field_path = "env"
    order      = "ASCENDING"
  }
  fields {
    field_path = "contrasted"
    order      = "ASCENDING"
  }
  fields {
    field_path = "started_at"
    order      = "DESCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "DESCENDING"
  }
}

resource "google_firestore_index" "control_group_last_first" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}healthy_traces"
  query_scope = "COLLECTION"

  fields {
    field_path = "ml_app"
    order      = "ASCENDING"
  }
  fields {
    field_path = "env"
    order      = "ASCENDING"
  }
  fields {
    field_path = "version"
    order      = "ASCENDING"
  }
  fields {
    field_path = "rank"
    order      = "DESCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "DESCENDING"
  }
}

resource "google_firestore_index" "control_group_by_age" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}healthy_traces"
  query_scope = "COLLECTION"

  fields {
    field_path = "ml_app"
    order      = "ASCENDING"
  }
  fields {
    field_path = "env"
    order      = "ASCENDING"
  }
  fields {
    field_path = "started_at"
    order      = "ASCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "ASCENDING"
  }
}

resource "google_firestore_index" "incidents_by_state" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}incidents"
  query_scope = "COLLECTION"

  fields {
    field_path = "state"
    order      = "ASCENDING"
  }
  fields {
    field_path = "until"
    order      = "DESCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "DESCENDING"
  }
}

resource "google_firestore_index" "dead_letters_by_state" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}dead_letters"
  query_scope = "COLLECTION"

  fields {
    field_path = "state"
    order      = "ASCENDING"
  }
  fields {
    field_path = "at"
    order      = "ASCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "ASCENDING"
  }
}

resource "google_firestore_index" "due_dead_letters" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}dead_letters"
  query_scope = "COLLECTION"

  fields {
    field_path = "state"
    order      = "ASCENDING"
  }
  fields {
    field_path = "due_at"
    order      = "ASCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "ASCENDING"
  }
}

# The nearest vectors among documents of equal filters; here alone the document id does not come last.
resource "google_firestore_index" "similar_groups" {
  database    = google_firestore_database.evalforge.name
  collection  = "${var.firestore_collection_prefix}groups"
  query_scope = "COLLECTION"

  fields {
    field_path = "ml_app"
    order      = "ASCENDING"
  }
  fields {
    field_path = "env"
    order      = "ASCENDING"
  }
  fields {
    field_path = "failure_type"
    order      = "ASCENDING"
  }
  fields {
    field_path = "embedder_version"
    order      = "ASCENDING"
  }
  fields {
    field_path = "__name__"
    order      = "ASCENDING"
  }
  fields {
    field_path = "evalforge_vector"

    vector_config {
      dimension = 768

      flat {}
    }
  }
}
