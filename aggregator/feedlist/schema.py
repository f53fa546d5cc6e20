"""The JSON schema of feeds.yaml, for editors that check while one types. `python -m aggregator.feedlist.schema` prints it."""

import json
import sys
from typing import Any

from aggregator.feedlist.shapes import FileShape


def schema() -> dict[str, Any]:
    """The schema as a value, draft 2020-12."""
    made = FileShape.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "feeds.yaml"}


def schema_text() -> str:
    """The schema as the text of docs/feeds.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
