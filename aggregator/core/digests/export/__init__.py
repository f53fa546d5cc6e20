"""Matches with their proof, handed out: rows of a table, lines of JSON, or a page to read. One match at a time, so that none of it is ever held whole."""
