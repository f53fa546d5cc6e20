"""Forms of English words that no stemmer brings together: irregular verbs of the news, and small numbers written out."""

from collections.abc import Mapping

from aggregator.core.text import primary, stem

_FORMS = """
began=begin begun=begin bought=buy broke=break broken=break brought=bring built=build came=come caught=catch fell=fall
fallen=fall fled=flee fought=fight found=find gave=give given=give grew=grow grown=grow held=hold kept=keep led=lead
left=leave lost=lose made=make met=meet paid=pay ran=run rose=rise risen=rise said=say sank=sink sent=send shook=shake
shot=shoot sold=sell sought=seek spent=spend spoke=speak spoken=speak stole=steal stolen=steal struck=strike swore=swear
sworn=swear threw=throw thrown=throw told=tell took=take taken=take went=go withdrew=withdraw withdrawn=withdraw won=win
wrote=write written=write
two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10
"""
_ENGLISH: Mapping[str, str] = {
    stem(form, "en"): stem(word, "en") for form, word in (pair.split("=") for pair in _FORMS.split())
}
_NONE: Mapping[str, str] = {}


def forms(language: str) -> Mapping[str, str]:
    """Stems of forms -> the stem of their word, in a language (BCP 47); none but English has any."""
    return _ENGLISH if primary(language) == "en" else _NONE
