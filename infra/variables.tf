variable "ask_model" {
  description = "Whether a model is asked for narratives; without one the rules' findings stand alone."
  type        = bool
  default     = true
  nullable    = false
}

variable "datadog_site" {
  description = "The Datadog site that holds the traces."
  type        = string
  default     = "datadoghq.com"
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]+\\.)*(datadoghq\\.(com|eu)|ddog-gov\\.com)$", var.datadog_site))
    error_message = "A Datadog site looks like datadoghq.com, datadoghq.eu or us5.datadoghq.com."
  }
}

variable "datadog_webhook" {
  description = "Whether Terraform makes the webhook in Datadog; DD_API_KEY and DD_APP_KEY must then be set."
  type        = bool
  default     = false
  nullable    = false
}

variable "evaluation_delay_minutes" {
  description = "How late an evaluation may come after its trace has started."
  type        = number
  default     = 120
  nullable    = false

  validation {
    condition     = var.evaluation_delay_minutes >= 0 && var.evaluation_delay_minutes <= 10080 && floor(var.evaluation_delay_minutes) == var.evaluation_delay_minutes
    error_message = "Use a whole number of minutes, up to 10080 (7 days)."
  }
}

variable "evaluation_labels" {
  description = "Your evaluations' names and the failure types that they mean, as a JSON object."
  type        = string
  default     = "{}"
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.evaluation_labels)))
    error_message = "Give a JSON object, such as {\"policy_check\": \"instruction_violation\"}."
  }
}

variable "firestore_collection_prefix" {
  description = "What every collection's name starts with, at every level."
  type        = string
  default     = "evalforge_"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9_-]{0,60}$", var.firestore_collection_prefix))
    error_message = "Use letters, digits, underscores and hyphens, a letter first, 61 at most."
  }
}

variable "firestore_database" {
  description = "The Firestore database that is made for EvalForge alone."
  type        = string
  default     = "(default)"
  nullable    = false

  validation {
    condition     = var.firestore_database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore_database))
    error_message = "Use (default), or 4 to 63 lower case letters, digits and hyphens, a letter first."
  }
}

variable "firestore_location" {
  description = "Where Firestore keeps the data, such as nam5, eur3 or a region; it can never be changed."
  type        = string
  default     = "nam5"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+[a-z0-9-]*[0-9]$", var.firestore_location))
    error_message = "Name a Firestore location, such as nam5, eur3 or europe-west1."
  }
}

variable "free_text" {
  description = "What happens to free text: redact or withhold."
  type        = string
  default     = "redact"
  nullable    = false

  validation {
    condition     = contains(["redact", "withhold"], var.free_text)
    error_message = "Use redact or withhold."
  }
}

variable "free_text_by_app" {
  description = "The same for single applications, as a JSON object."
  type        = string
  default     = "{}"
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.free_text_by_app))) && alltrue([for told in try(values(jsondecode(var.free_text_by_app)), []) : contains(["redact", "withhold"], told)])
    error_message = "Give a JSON object, such as {\"bank-bot\": \"withhold\"}."
  }
}

variable "gemini_model" {
  description = "The Gemini model that is asked; it must be served in vertex_ai_location, and model_prices must have its price."
  type        = string
  default     = "gemini-3.5-flash"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9@_-]*(\\.[a-z0-9@_-]+)*$", var.gemini_model))
    error_message = "Name a model as its service does, such as gemini-3.5-flash."
  }

  validation {
    condition     = !var.ask_model || !can(keys(jsondecode(var.model_prices))) || can(jsondecode(var.model_prices)[var.gemini_model])
    error_message = "model_prices has no price of this model; give it one, in US dollars for a million tokens."
  }
}

variable "log_level" {
  description = "From which level on the functions log."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.log_level)
    error_message = "Use DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }
}

variable "model_budget_usd" {
  description = "How much models may cost on a day (UTC), in US dollars; when it is spent, the rules go on alone."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.model_budget_usd >= 0
    error_message = "Use a number of dollars, 0 or more."
  }
}

variable "model_budget_usd_by_app" {
  description = "How much of it single applications may use, as a JSON object."
  type        = string
  default     = "{}"
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.model_budget_usd_by_app))) && alltrue([for told in try(values(jsondecode(var.model_budget_usd_by_app)), []) : try(tonumber(told) >= 0, false)])
    error_message = "Give a JSON object of applications and dollars, such as {\"support-bot\": 2.5}."
  }
}

variable "model_prices" {
  description = "What models cost, in US dollars for a million tokens, as a JSON object; thinking counts as output."
  type        = string
  default     = "{\"gemini-3.5-flash\": {\"input\": 1.5, \"output\": 9}}"
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.model_prices))) && alltrue([for told in try(values(jsondecode(var.model_prices)), []) : try(told.input >= 0 && told.output >= 0, false)])
    error_message = "Give a JSON object of models and prices, such as {\"gemini-3.5-flash\": {\"input\": 1.5, \"output\": 9}}."
  }
}

variable "pii_detector" {
  description = "A detector of personal data beside the built-in ones, as module:factory; the module stands under functions/ or shared/."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*)?$", var.pii_detector))
    error_message = "Name a module and a function in it, such as shared.our_names:detector."
  }
}

variable "pii_salt_version" {
  description = "The version of the salt in PII_SALT; raise it with every new salt."
  type        = string
  default     = "1"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,32}$", var.pii_salt_version))
    error_message = "Use 1 to 32 letters, digits, dots, dashes or underscores."
  }
}

variable "poll_datadog" {
  description = "Whether Datadog is also searched every 15 minutes for failures that no monitor has seen."
  type        = bool
  default     = true
  nullable    = false
}

variable "project_id" {
  description = "The Google Cloud project; one deployment serves one Datadog organisation."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "Give the project's id, not its name or number."
  }
}

variable "quality_threshold" {
  description = "A quality score under this is a failure."
  type        = number
  default     = 0.5
  nullable    = false

  validation {
    condition     = var.quality_threshold >= 0 && var.quality_threshold <= 1
    error_message = "Use a number from 0 to 1."
  }
}

variable "region" {
  description = "Where the functions, their source and the schedule are; one that has Cloud Run functions and Cloud Scheduler."
  type        = string
  default     = "us-central1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Name a region, such as us-central1."
  }
}

variable "similarity_threshold" {
  description = "From which similarity two groups are one problem; null is what suits the embedder."
  type        = number
  default     = null

  validation {
    condition     = var.similarity_threshold == null ? true : var.similarity_threshold > 0 && var.similarity_threshold <= 1
    error_message = "Use a number over 0, up to 1, or null."
  }
}

variable "slack_notices" {
  description = "Whether notices go to Slack; the secret evalforge-slack-webhook-url must then have a version."
  type        = bool
  default     = false
  nullable    = false
}

variable "toxicity_threshold" {
  description = "A toxicity score of this or more is a failure."
  type        = number
  default     = 0.7
  nullable    = false

  validation {
    condition     = var.toxicity_threshold >= 0 && var.toxicity_threshold <= 1
    error_message = "Use a number from 0 to 1."
  }
}

variable "trace_lookback_hours" {
  description = "How far before an alert failures are looked for."
  type        = number
  default     = 24
  nullable    = false

  validation {
    condition     = var.trace_lookback_hours >= 1 && var.trace_lookback_hours <= 2160 && floor(var.trace_lookback_hours) == var.trace_lookback_hours
    error_message = "Use a whole number of hours, from 1 to 2160 (90 days)."
  }
}

variable "vertex_ai_location" {
  description = "Where Google Cloud serves the model: a region, us, eu or global. What is asked of it is processed there."
  type        = string
  default     = "us-central1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,40}$", var.vertex_ai_location))
    error_message = "Name a location, such as us-central1, europe-west4, eu or global."
  }
}
