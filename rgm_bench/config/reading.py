"""YAML text -> placed values. Nothing in a study file is ever executed or built from its tags."""

import re
import unicodedata
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.reader import ReaderError

from rgm_bench.config.placed import Placed, Position, Scalar
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.errors import StudyError

YAML_SUFFIXES = (".yaml", ".yml")

MAX_QUOTED = 60
"""Letters of a value that a message repeats."""

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {"str", "timestamp", "value", "merge"}  # a date stays the text it was written as
_BROKEN = (
    (r"mapping values are not allowed", "a `:` where no key can stand: check the indentation"),
    (r"could not find expected ':'", "a key without `:` behind it"),
    (r"expected ',' or '\]'", "a list that began with [ is not closed with ]"),
    (r"expected ',' or '\}'", "a map that began with { is not closed with }"),
    (r"expected <block end>", "this line's indentation does not fit the lines above it"),
    (r"character '\\t'", "a tab: indent with spaces"),
    (r"unexpected end of stream", "a quoted text is not closed"),
    (r"undefined alias", "an alias (*name): repeat the value, or use a preset"),
    (r"another document", "a second document (---): a study is one"),
    (r"expected the node content", "a value was expected here"),
    (r"unknown escape character", "an unknown escape (\\): use single quotes"),
    (r"cannot start any token", "a text that begins with this character needs quotes"),
    (r"incompatible YAML", "a YAML version that is not read: leave out the %YAML line"),
)


def read_file(path: Path) -> Placed:
    """The map that a YAML file holds.

    Raises:
        StudyError: no such file, not readable, broken YAML, empty, or not a map.
    """
    return _read_map(file_text(path), str(path))


def file_text(path: Path) -> str:
    """The text of a study file.

    Raises:
        StudyError: there is no such file, or it is not UTF-8 text.
    """
    if path.is_dir():
        raise StudyError(f"{path}: is a folder; {_beside(path.name, path)}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        text = f"{path}: no such file; {_beside(path.name, path.parent)}"
        raise StudyError(text) from None
    except UnicodeDecodeError as error:
        text = f"{path}: byte {error.start} is not UTF-8 text; save the file as UTF-8"
        raise StudyError(text) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"{path}: cannot be read: {reason}") from None


def _beside(name: str, folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder} either"
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in YAML_SUFFIXES)
    return f"YAML files in {folder}: {listing(names)}{nearest(name, names)}"


def _read_map(text: str, source: str) -> Placed:
    start = Position(source, 1, 1)
    problems = Problems()
    root = read_text(text, start, problems)
    problems.raise_any()
    if root is None:
        raise StudyError(f"{start}: the file is empty; expected a map that starts with grammar: 1")
    if not root.is_map:
        raise StudyError(f"{root.at}: found {described(root)}; expected a map of keys and values")
    return root


def read_text(text: str, start: Position, problems: Problems) -> Placed | None:
    """The value that YAML text holds; None when it is empty or broken.

    Args:
        text: YAML.
        start: its source. Without a line (an override), all of it stands at that one place.
        problems: takes what cannot be read.
    """
    try:
        node = cast("Node | None", cast(Any, YAML(typ="safe", pure=True)).compose(text))
        if _has_tags(text, start, problems):
            return None
        return node and _Placer(start, problems).place(node, start)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = _odd_space(_lines(text, error)) or _plain_english(error)
        problems.add(_at(start, mark), "", f"broken YAML: {what}")
    except ReaderError as error:
        problems.add(start, "", f"character {error.position + 1} is not allowed in YAML")
    except YAMLError:
        problems.add(start, "", "broken YAML")
    except RecursionError:
        problems.add(start, "", "maps and lists lie too deep within each other")
    return None


def _has_tags(text: str, start: Position, problems: Problems) -> bool:
    """Whether something asks for other meanings than those of YAML 1.2, which is then noted."""
    before = len(problems)
    for event in cast(Any, YAML(typ="safe", pure=True)).parse(text):
        at = _at(start, event.start_mark)
        if getattr(event, "version", None) not in (None, (1, 2)):
            version = ".".join(map(str, event.version))
            problems.add(start, "", f"%YAML {version}; files are YAML 1.2, leave the line out")
        if getattr(event, "tag", None) is not None:
            shown = str(event.tag).replace(_TAG, "!!", 1)
            problems.add(at, "", f"the tag {shown}; tags are not read, leave it out")
    return len(problems) > before


def described(node: Placed) -> str:
    """What was found, as its author would call it."""
    match node.value:
        case None:
            return "nothing"
        case bool():
            return str(node.value).lower()
        case str():
            return f'the text "{shorten(node.value)}"'
        case int() | float():
            return shorten(str(node.value))
        case tuple():
            return "a list"
        case _:
            return "a map"


def shorten(text: str) -> str:
    """The text, or its start if it is long."""
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def _at(start: Position, mark: Any) -> Position:
    if not start.line or mark is None:
        return start
    return Position(start.source, mark.line + 1, mark.column + 1)


def _plain_english(error: MarkedYAMLError) -> str:
    said = str(error.problem)
    opened = cast("int | None", getattr(error.context_mark, "line", None))
    for pattern, text in _BROKEN:
        if re.search(pattern, said.replace("\t", "\\t")):
            if opened is not None and "not closed" in text:
                return f"{text} (it began in line {opened + 1})"
            return text
    return said


class _Placer:
    """Turns the nodes of one source into placed values."""

    def __init__(self, start: Position, problems: Problems) -> None:
        self._start, self._problems = start, problems

    def place(self, node: Node, key_at: Position) -> Placed:
        at = _at(self._start, node.start_mark)
        if node.anchor:  # refused before its contents are read: an alias may point to itself
            text = f"an anchor (&{node.anchor}): repeat the value, or use a preset"
            self._problems.add(at, "", text)
            return Placed(None, at, key_at)
        if isinstance(node, MappingNode):
            return Placed(self._entries(node), at, key_at)
        if isinstance(node, SequenceNode):
            items = cast("list[Node]", node.value)
            places = [_at(self._start, item.start_mark) for item in items]
            return Placed(tuple(map(self.place, items, places)), at, key_at)
        return Placed(self._scalar(node, at), at, key_at)

    def _entries(self, node: MappingNode) -> dict[str, Placed]:
        entries: dict[str, Placed] = {}
        for key, value in cast("list[tuple[Node, Node]]", node.value):
            at = _at(self._start, key.start_mark)
            name = key.value if isinstance(key.value, str) else None
            self._note_odd_space(key, at, name or "")
            if name is None:
                self._problems.add(at, "", "a key that is a map or a list; expected a word")
            elif name in entries:
                where = entries[name].key_at
                seen = f"in line {where.line}" if where.line else "before"
                text = f"this key was already given {seen}; keep one of the two"
                self._problems.add(at, name, text)
            else:
                entries[name] = self.place(value, at)
        return entries

    def _scalar(self, node: Node, at: Position) -> Scalar:
        text, tag = cast(str, node.value), str(node.tag)
        if not getattr(node, "style", None):
            self._note_odd_space(node, at, text[:1] + text[-1:])
            if other := _otherwise_in_1_1(text, tag.removeprefix(_TAG)):
                self._problems.add(at, "", f"{text}: {other}")
                return None
        try:
            return _scalar(text, tag.removeprefix(_TAG))
        except LookupError:
            shown = tag.replace(_TAG, "!!", 1)
            self._problems.add(at, "", f"the tag {shown}; tags are not read, leave it out")
        except ValueError:
            self._problems.add(at, "", f"{shorten(text)} cannot be read as a number")
        return None

    def _note_odd_space(self, node: Node, at: Position, text: str) -> None:
        if not getattr(node, "style", None) and (found := _odd_space(text)):
            self._problems.add(at, "", found)


_ODD_SPACE = re.compile(r"[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_TRUTH = {
    case(word)
    for word in ("y", "n", "yes", "no", "on", "off")
    for case in (str.lower, str.title, str.upper)
}
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


def _lines(text: str, error: MarkedYAMLError) -> str:
    """The lines of a text that an error is about."""
    marks = [cast(int, m.line) for m in (error.context_mark, error.problem_mark) if m is not None]
    return "\n".join(text.split("\n")[min(marks, default=0) : max(marks, default=0) + 1])


def _odd_space(text: str) -> str:
    """The first space in a text that YAML takes for a letter, with what to do; empty if none."""
    found = _ODD_SPACE.search(text)
    if not found:
        return ""
    name = unicodedata.name(found[0], "space").lower()
    return f"a {name} (U+{ord(found[0]):04X}), which YAML takes for a letter: write a plain space"


def _otherwise_in_1_1(text: str, tag: str) -> str:
    """What to write for a value that YAML 1.1 and 1.2 read differently; empty if they do not."""
    if text in _TRUTH:
        return "a truth value in YAML 1.1 and a text in 1.2; write true or false, or quote the text"
    if tag == "int" and _OCTAL.fullmatch(text):
        return "octal in YAML 1.1 and decimal in 1.2; leave out the zeros in front, or write 0o"
    if tag == "str" and _SEXAGESIMAL.fullmatch(text):
        return "a number to base 60 in YAML 1.1 and a text in 1.2; write the number, or quote it"
    return ""


def _scalar(text: str, tag: str) -> Scalar:
    match tag:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _whole_number(text.replace("_", ""))
        case "float":
            return float(re.sub(r"^([-+]?)\.(inf|nan)$", r"\1\2", text.replace("_", "").lower()))
        case _ if tag in _TEXT_TAGS:
            return text
        case _:
            raise LookupError(tag)


def _whole_number(text: str) -> int:
    based = re.match(r"[-+]?0[box]", text)
    return int(text, 0 if based else 10)
