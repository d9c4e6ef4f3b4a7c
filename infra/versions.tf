terraform {
  required_version = ">= 1.9"

  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = "~> 2.7"
    }
    datadog = {
      source  = "DataDog/datadog"
      version = "~> 3.82"
    }
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}

provider "google-beta" {
  project = var.project_id
  region  = var.region
}

# Its keys are those of the environment, DD_API_KEY and DD_APP_KEY; without its webhook it needs none.
provider "datadog" {
  api_url  = "https://api.${var.datadog_site}/"
  validate = var.datadog_webhook
}
