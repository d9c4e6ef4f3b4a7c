"""The ports on Google Cloud: Firestore and Pub/Sub."""
