variable "asks_models" {
  description = "Whether it may ask Google Cloud's models."
  type        = bool
  default     = false
}

variable "concurrency" {
  description = "How many requests one instance works on at once."
  type        = number
}

variable "dead_letter_topic" {
  description = "The name of the topic where a message goes that was tried too often; null keeps trying until it expires."
  type        = string
  default     = null
}

variable "deployment" {
  description = "What all functions have in common."
  type = object({
    project_id                  = string
    region                      = string
    bucket                      = string
    object                      = string
    build_account               = string
    push_account                = string
    pubsub_agent                = string
    secret_ids                  = map(string)
    firestore_database          = string
    firestore_collection_prefix = string
    log_level                   = string
  })
}

variable "entry_point" {
  description = "The Python function."
  type        = string
}

variable "memory" {
  description = "The memory of one instance, in Mi."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+Mi$", var.memory))
    error_message = "Give the memory in Mi, such as 512Mi."
  }
}

variable "most_instances" {
  description = "How many instances may run at once."
  type        = number
}

variable "name" {
  description = "The function's name in the project; its account and its subscription have the same."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "A service account's name has 6 to 30 lower case letters, digits and hyphens."
  }
}

variable "optional_secrets" {
  description = "Environment variables that are secrets, and whether they are given."
  type        = map(bool)
  default     = {}
}

variable "public" {
  description = "Whether anyone may call it; the function itself then tells who may."
  type        = bool
  default     = false

  validation {
    condition     = var.public == (var.topic == null)
    error_message = "A function is either pushed a topic's messages or public."
  }
}

variable "publishes" {
  description = "The names of the topics that it may publish to."
  type        = list(string)
  default     = []
}

variable "secrets" {
  description = "Environment variables that are secrets."
  type        = list(string)
  default     = []
}

variable "settings" {
  description = "Environment variables of its own; one that is null is left out."
  type        = map(string)
  default     = {}
}

variable "source_file" {
  description = "The file with the entry point, from the root of the source archive."
  type        = string
}

variable "timeout" {
  description = "After how many seconds a request is given up; Pub/Sub waits as long for its answer."
  type        = number

  validation {
    condition     = var.topic == null || (var.timeout >= 10 && var.timeout <= 540)
    error_message = "A subscription waits 10 to 600 seconds for its answer, a function runs 540 at most."
  }
}

variable "topic" {
  description = "The name of the topic whose messages are pushed to it; names are known before anything is made, ids are not."
  type        = string
  default     = null
}
