"""What may be seen of a trace: personal data and secrets are replaced before anything is stored."""

SANITIZER_VERSION = "6"
