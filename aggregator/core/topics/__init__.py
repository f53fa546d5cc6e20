"""The topic language: grammar, evaluation with spans, score, and the anchor index over many topics."""
