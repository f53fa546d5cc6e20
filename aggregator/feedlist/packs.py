"""Topic packs, the topics that come with the program as data -> their shapes."""

from functools import cache
from importlib import resources

from aggregator.feedlist.document import Findings, read_text
from aggregator.feedlist.problems import check_keys, shaped
from aggregator.feedlist.shapes import PackShape


def pack_names() -> tuple[str, ...]:
    """The names that `pack:` takes, sorted."""
    files = (resources.files("aggregator") / "packs").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


@cache
def read_pack(name: str) -> tuple[PackShape | None, Findings]:
    """One pack as it is shipped, or what is wrong with its file; `name` is one of `pack_names()`."""
    findings = Findings()
    text = (resources.files("aggregator") / "packs" / f"{name}.yaml").read_text(encoding="utf-8")
    document = read_text(text, f"packs/{name}.yaml", findings)
    if document is None or not check_keys(document, PackShape, findings):
        return None, findings
    return shaped(document, (), document.value, PackShape, findings), findings
