"""Every way in: a folder per deployed function, the local host and the command line."""
