"""From bytes to a parsed document: decode, cut into slices, parse, dates, markup. Never fetches, never stores."""
