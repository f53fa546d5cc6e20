"""The text of a query to its tree, or to one error that says where it is wrong. It knows no topic and no entry."""

from functools import cache
from typing import Any

from lark import Lark, Token, UnexpectedInput
from lark.visitors import Transformer_NonRecursive

from aggregator.core.text import is_unspaced, tokens
from aggregator.core.topics import tree
from aggregator.core.topics.mistakes import (
    MAX_DISTANCE,
    QueryError,
    check_brackets,
    check_size,
    check_words,
    explained,
    field_of,
    without_quoted,
)

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


def parse(query: str) -> tree.Node:
    """The tree of a query. Raises QueryError for the first thing wrong; never recurses deeper than `MAX_DEPTH` allows.

    Typographic double quotes count as plain ones.
    """
    query = query.translate(_QUOTES)
    check_size(query)
    bare = without_quoted(query)
    check_brackets(bare)
    check_words(bare)
    try:
        read: tree.Node = _parser().parse(query)  # type: ignore[assignment]  # the builder makes nodes of lark's trees
    except UnexpectedInput as wrong:
        raise explained(query, wrong) from None
    return read


_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'"})


@cache
def _parser() -> Lark:
    # Nodes are built while the query is read: first making lark's own tree takes half as long again.
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", maybe_placeholders=True, transformer=_Builder())


class _Builder(Transformer_NonRecursive[Token, tree.Node]):
    """The rules of the grammar to nodes. Each method gets the parts of one rule."""

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
            node = tree.Within(field_of(str(name[:-1]), _column(name)), node, column=_column(name))
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
