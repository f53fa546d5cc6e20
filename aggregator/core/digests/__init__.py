"""From matches to a mail: due slots, composed content, rendered words, finished bytes."""
