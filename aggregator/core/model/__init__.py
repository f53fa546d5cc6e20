"""The nouns of the service as frozen values, by what they speak of. They name no wall and no channel."""
