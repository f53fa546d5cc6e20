"""The wall between a finished mail and its channel: SMTP, a folder, a maildir. It never composes and never retries."""
