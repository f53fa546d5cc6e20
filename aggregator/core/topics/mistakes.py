"""What is wrong with a query that cannot be read, in words for people: the column, the mistake, and what would be right."""

import re

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from aggregator.core.topics.fields import FIELD_NAMES

MAX_LENGTH = 20_000
MAX_DEPTH = 25
MAX_NEARS = 60
MAX_PARTS = 2_000  # words, operators, brackets and commas: reading one takes some 20 microseconds
MAX_PATTERNS = 10  # regular expressions: compiling a bad one takes 5 milliseconds
MAX_DISTANCE = 30


class QueryError(Exception):
    """A query that cannot be read: the column of the first wrong character, what is wrong, and what would be right."""

    def __init__(self, column: int, message: str, hint: str = "") -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
        self.message = message
        self.hint = hint


_QUOTED = re.compile(r'"[^"]*"|(?<![^\s(:,])/(?:\\.|[^/\\\n])+/|(?<![^\s(),"])#[^\n]*')

_PART = re.compile(r'[^\s(),":^]+|[(),:^]')
_INCOMPLETE = re.compile(r"(?<![^\s(,])(?:O?NEAR(?!/[0-9])|ATLEAST(?!\s+[0-9]+\s*\()|SENT(?!\())(?![^\s(/])")
_FIELD = re.compile(r"(?<![^\s(,])([A-Za-z_]+):(?=\S)")


def without_quoted(query: str) -> str:
    """The query with phrases, patterns and comments blanked out, so that columns stay true."""
    return _QUOTED.sub(lambda match: " " * len(match[0]), query)


def check_size(query: str) -> None:
    """Raise QueryError for a query that is empty or too long to be read."""
    if len(query) > MAX_LENGTH:
        raise QueryError(
            MAX_LENGTH + 1, f"a query has at most {MAX_LENGTH:,} characters", "split it into several clauses"
        )
    if not query.strip():
        raise QueryError(1, "the query is empty", "write at least one word")
    parts = [match.start() for match in _PART.finditer(query)]
    if len(parts) > MAX_PARTS:
        message = f"more than {MAX_PARTS:,} words, operators and brackets in one query"
        raise QueryError(parts[MAX_PARTS] + 1, message, "split it into several clauses, or name parts as @lists")
    nears = [match.start() for match in re.finditer("NEAR/", query)]
    if len(nears) > MAX_NEARS:
        raise QueryError(
            nears[MAX_NEARS] + 1, f"more than {MAX_NEARS} NEARs in one query", "split it into several clauses"
        )


def check_words(bare: str) -> None:
    """Operators that lack their number or brackets, and fields that do not exist: the parser would take them for words."""
    for match in _INCOMPLETE.finditer(bare):
        raise QueryError(match.start() + 1, f"{match[0]} is incomplete", _OPERATOR_HINTS[match[0]])
    for match in _FIELD.finditer(bare):
        field_of(match[1], match.start() + 1)


def field_of(name: str, column: int) -> str:
    """The field that people mean by `name`. Raises QueryError when there is none."""
    if name.lower() not in FIELD_NAMES:
        raise QueryError(column, f"there is no field {name!r}", f"fields are {', '.join(FIELD_NAMES)}")
    return FIELD_NAMES[name.lower()]


def check_brackets(bare: str) -> None:
    """Raise QueryError for quotation marks and brackets without their partner, and for too many inside each other."""
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


def explained(query: str, wrong: UnexpectedInput) -> QueryError:
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
    "RPAR": "a word or a group is missing before this bracket",
    "BOOST": "a weight follows the word it belongs to: fentanyl^2",
}


_OPERATOR_HINTS = {
    "NEAR": "give the number of words that may stand between: drug* NEAR/4 seiz*",
    "ONEAR": "give the number of words that may stand between: drug* ONEAR/4 seiz*",
    "ATLEAST": "give a number and parts: ATLEAST 2(drug*, police, court)",
    "SENT": "give what one sentence must hold: SENT(drug* AND police)",
}
