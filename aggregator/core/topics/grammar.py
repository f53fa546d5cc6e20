"""The text of a query to its tree, or to one error that says where it is wrong. It knows no topic and no entry."""

import re
from functools import cache
from typing import Any

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError
from lark.visitors import Transformer_NonRecursive

from aggregator.core.text import is_unspaced, tokens
from aggregator.core.topics import tree
from aggregator.core.topics.fields import FIELD_NAMES

MAX_LENGTH = 20_000
MAX_DEPTH = 25
MAX_NEARS = 60
MAX_DISTANCE = 30

_GRAMMAR = r"""
start: any_of
any_of: all_of (_OR all_of)*
all_of: unary (_AND? unary)*
?unary: NOT near -> negation
      | near
?near: exception
     | near NEAR exception -> nearness
?exception: scoped
          | scoped EXCEPT scoped -> exclusion
scoped: [FIELD] primary [BOOST]
?primary: "(" any_of ")" -> group
        | ATLEAST "(" any_of ("," any_of)* ")" -> at_least
        | SENT "(" any_of ("," any_of)* ")" -> sentence
        | PHRASE -> phrase
        | EXACT -> exact
        | CASED -> cased
        | REF -> ref
        | REGEX -> regex
        | WORD -> word

_OR.5: /OR(?![^\s()"])/
_AND.5: /AND(?![^\s()"])/
NOT.5: /NOT(?![^\s()"])/
EXCEPT.5: /EXCEPT(?![^\s()"])/
NEAR.5: /O?NEAR\/[0-9]+(?![^\s()"])/
ATLEAST.5: /ATLEAST\s+[0-9]+(?=\s*\()/
SENT.5: /SENT(?=\()/
FIELD.4: /[A-Za-z_]+:(?=\S)/
BOOST: /\^[0-9]+(\.[0-9]+)?/
PHRASE: /"[^"]*"/
EXACT: /\+("[^"]*"|[^\s()",^:]+)/
CASED: /=('[^'"]*'|"[^"]*"|[^\s()",^:']+)/
REF: /@[A-Za-z_][A-Za-z0-9_-]*/
REGEX: /\/(\\.|[^\/\\\n])+\/i?/
WORD: /[^\W_][^\s()",^:]*/
COMMENT: /#[^\n]*/
%ignore COMMENT
%ignore /\s+/
"""


class QueryError(Exception):
    """A query that cannot be read: the column of the first wrong character, what is wrong, and what would be right."""

    def __init__(self, column: int, message: str, hint: str = "") -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
        self.message = message
        self.hint = hint


def parse(query: str) -> tree.Node:
    """The tree of a query. Raises QueryError for the first thing wrong; never recurses deeper than `MAX_DEPTH` allows.

    Typographic double quotes count as plain ones.
    """
    query = query.translate(_QUOTES)
    _check_size(query)
    _check_brackets(query)
    try:
        read: tree.Node = _Builder().transform(_parser().parse(query))
    except UnexpectedInput as wrong:
        raise _explain(query, wrong) from None
    except VisitError as wrong:
        if isinstance(wrong.orig_exc, QueryError):
            raise wrong.orig_exc from None
        raise
    return read


_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'"})
_SKIPPED = re.compile(r'"[^"]*"|(?<![^\s(])/(?:\\.|[^/\\\n])+/|(?<![^\s(),"])#[^\n]*')


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", maybe_placeholders=True)


def _check_size(query: str) -> None:
    if len(query) > MAX_LENGTH:
        raise QueryError(
            MAX_LENGTH + 1, f"a query has at most {MAX_LENGTH:,} characters", "split it into several clauses"
        )
    if not query.strip():
        raise QueryError(1, "the query is empty", "write at least one word")
    nears = [match.start() for match in re.finditer("NEAR/", query)]
    if len(nears) > MAX_NEARS:
        raise QueryError(
            nears[MAX_NEARS] + 1, f"more than {MAX_NEARS} NEARs in one query", "split it into several clauses"
        )


def _check_brackets(query: str) -> None:
    bare = _SKIPPED.sub(lambda match: " " * len(match[0]), query)
    if '"' in bare:
        raise QueryError(bare.index('"') + 1, "this quotation mark is never closed", 'write "a phrase" in two marks')
    opened: list[int] = []
    for column, character in enumerate(bare, 1):
        if character == "(":
            opened.append(column)
        elif character == ")" and not opened:
            raise QueryError(column, "this bracket was never opened", "remove it, or open it before")
        elif character == ")":
            opened.pop()
        if len(opened) > MAX_DEPTH:
            raise QueryError(column, f"more than {MAX_DEPTH} brackets inside each other", "name a part as a @list")
    if opened:
        raise QueryError(opened[-1], "this bracket is never closed", "add a ) after its last word")


def _explain(query: str, wrong: UnexpectedInput) -> QueryError:
    """An error of the parser in words for people."""
    if isinstance(wrong, UnexpectedCharacters):
        offset = int(vars(wrong)["pos_in_stream"])  # declared as None, always a number
        hint = _CHARACTER_HINTS.get(query[offset], _ANY_HINT)
        return QueryError(offset + 1, f"{query[offset]!r} cannot stand here", hint)
    if isinstance(wrong, UnexpectedToken) and isinstance(wrong.token, Token):
        if wrong.token.type == "$END":
            return QueryError(
                len(query.rstrip()) + 1, "the query ends where a word was expected", "add what is missing"
            )
        column = (wrong.token.start_pos or 0) + 1
        return QueryError(
            column, f"{str(wrong.token)!r} cannot stand here", _TOKEN_HINTS.get(wrong.token.type, _ANY_HINT)
        )
    return QueryError(1, "this is no query", _ANY_HINT)


_ANY_HINT = "words, phrases in quotation marks and groups in brackets are joined by AND, OR, NEAR/n or a space"
_CHARACTER_HINTS = {
    "*": "a * stands only at the end of a word of at least three letters: traffick*",
    ":": "a colon stands only after a field's name and before its word, as in title:fentanyl; else use quotation marks",
    "^": "a weight is a number after a word: fentanyl^2",
    "/": "a regular expression stands between two slashes: /fentan[iy]l/i",
    "'": 'phrases stand in double quotation marks: "drug policy"',
    "@": "a list's name follows the @: @drugs",
    "-": "write NOT to leave something out",
    "!": "write NOT to leave something out",
    "&": "write AND, or nothing: words side by side must all be there",
    "|": "write OR",
    "+": "a + stands before the word it keeps exact: +narco",
    "=": "a = stands before the word whose case counts: =DEA",
}
_TOKEN_HINTS = {
    "_OR": "OR stands between two parts; for the word itself write it in small letters",
    "_AND": "AND stands between two parts; for the word itself write it in small letters",
    "NOT": "NOT stands before one part: police NOT doping",
    "NEAR": "NEAR/4 stands between two parts",
    "EXCEPT": "EXCEPT stands between two parts, once; use brackets for more",
    "COMMA": "commas stand only inside ATLEAST n(..) and SENT(..); words side by side must all be there",
    "RPAR": "there is nothing before this bracket to close",
    "BOOST": "a weight follows the word it belongs to: fentanyl^2",
}


_OPERATOR_HINTS = {
    "NEAR": "give the number of words that may stand between: drug* NEAR/4 seiz*",
    "ONEAR": "give the number of words that may stand between: drug* ONEAR/4 seiz*",
    "ATLEAST": "give a number and parts: ATLEAST 2(drug*, police, court)",
    "SENT": "give what one sentence must hold: SENT(drug* AND police)",
}


class _Builder(Transformer_NonRecursive[Token, tree.Node]):
    """Lark's tree to ours. Each method gets the parts of one rule."""

    def start(self, parts: list[tree.Node]) -> tree.Node:
        return parts[0]

    def any_of(self, parts: list[tree.Node]) -> tree.Node:
        return parts[0] if len(parts) == 1 else tree.Or(tuple(parts), column=parts[0].column)

    def all_of(self, parts: list[tree.Node]) -> tree.Node:
        return parts[0] if len(parts) == 1 else tree.And(tuple(parts), column=parts[0].column)

    def negation(self, parts: list[Any]) -> tree.Node:
        return tree.Not(parts[1], column=_column(parts[0]))

    def nearness(self, parts: list[Any]) -> tree.Node:
        left, operator, right = parts
        name, _, number = operator.partition("/")
        if len(number) > 4 or int(number) > MAX_DISTANCE:
            message = f"{name}/{number[:9]} is too far: at most {MAX_DISTANCE} words"
            raise QueryError(_column(operator), message, "use AND when the distance does not matter")
        return tree.Near(int(number), name == "ONEAR", left, right, column=left.column)

    def exclusion(self, parts: list[Any]) -> tree.Node:
        return tree.Except(parts[0], parts[2], column=parts[0].column)

    def scoped(self, parts: list[Any]) -> tree.Node:
        name, node, boost = parts
        if name is not None:
            node = tree.Within(_field(name), node, column=_column(name))
        if boost is not None:
            factor = float(boost[1:]) if len(boost) < 9 else 0.0
            if not 0 < factor <= 100:
                raise QueryError(_column(boost), "a weight is a number above 0, at most 100", "fentanyl^2")
            node = tree.Boost(factor, node, column=node.column)
        return node  # type: ignore[no-any-return]  # lark's children are Any

    def group(self, parts: list[tree.Node]) -> tree.Node:
        return parts[0]

    def at_least(self, parts: list[Any]) -> tree.Node:
        digits = parts[0].split()[1]
        count = int(digits) if len(digits) < 6 else 0
        if not 1 <= count <= len(parts) - 1:
            message = f"ATLEAST {digits[:9]} of {len(parts) - 1} parts"
            raise QueryError(
                _column(parts[0]), message, "the number lies between 1 and the number of parts between commas"
            )
        return tree.AtLeast(count, tuple(parts[1:]), column=_column(parts[0]))

    def sentence(self, parts: list[Any]) -> tree.Node:
        inner = parts[1] if len(parts) == 2 else tree.And(tuple(parts[1:]), column=parts[1].column)
        return tree.Sentence(inner, column=_column(parts[0]))

    def phrase(self, parts: list[Token]) -> tree.Node:
        return _words(parts[0][1:-1], tree.Word, _column(parts[0]))

    def word(self, parts: list[Token]) -> tree.Node:
        if parts[0] in _OPERATOR_HINTS:
            raise QueryError(_column(parts[0]), f"{parts[0]} is incomplete", _OPERATOR_HINTS[parts[0]])
        return _words(str(parts[0]), tree.Word, _column(parts[0]))

    def exact(self, parts: list[Token]) -> tree.Node:
        return _words(parts[0][1:].strip('"'), tree.Exact, _column(parts[0]))

    def cased(self, parts: list[Token]) -> tree.Node:
        return _words(parts[0][1:].strip("\"'"), tree.Cased, _column(parts[0]))

    def ref(self, parts: list[Token]) -> tree.Node:
        return tree.Ref(str(parts[0][1:]), column=_column(parts[0]))

    def regex(self, parts: list[Token]) -> tree.Node:
        text, ignore_case = str(parts[0]), parts[0].endswith("i")
        return tree.Pattern(text[1 : -2 if ignore_case else -1], ignore_case, column=_column(parts[0]))


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _field(name: Token) -> str:
    field = FIELD_NAMES.get(name[:-1].lower())
    if field is None:
        raise QueryError(_column(name), f"there is no field {name[:-1]!r}", f"fields are {', '.join(FIELD_NAMES)}")
    return field


def _words(text: str, kind: type[tree.Word | tree.Exact | tree.Cased], column: int) -> tree.Node:
    """One word, or a phrase of the words that `text` holds; a * after a word makes it a prefix."""
    found = tokens(text)
    if not found:
        raise QueryError(column, "there is no letter or digit in it", "write a word")
    if len(found) > 50:
        raise QueryError(column, "a phrase has at most 50 words", "use fewer words")
    ends = {token.end for token in found}
    if any(at not in ends or text[at + 1 : at + 2].isalnum() for at, character in enumerate(text) if character == "*"):
        raise QueryError(column, "a * stands only at the end of a word", "traffick*")
    parts: list[tree.Leaf] = []
    for token in found:
        if text[token.end : token.end + 1] == "*" and not is_unspaced(token.folded):
            if kind is tree.Cased:
                raise QueryError(column, "a * cannot stand after =", "case counts for whole words only")
            parts.append(_prefix(token.folded, column))
        else:
            parts.append(kind(token.surface if kind is tree.Cased else token.folded, column=column))
    return parts[0] if len(parts) == 1 else tree.Phrase(tuple(parts), column=column)


def _prefix(folded: str, column: int) -> tree.Prefix:
    if len(folded) < 3:
        raise QueryError(column, f"{folded}* is too short", "at least three letters stand before a *")
    return tree.Prefix(folded, column=column)
