"""What makes two entries one story."""
