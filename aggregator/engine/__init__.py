"""The doors through which time comes in: engines call the coarse jobs of the service; what is due is decided by rows, never here."""
