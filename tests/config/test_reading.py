"""What YAML 1.1 reads otherwise than 1.2 is refused, and so are letters that look like spaces."""

import pytest

from rgm_bench.config.placed import Position, plain
from rgm_bench.config.problems import Problems
from rgm_bench.config.reading import read_text
from rgm_bench.errors import StudyError

START = Position("study.yaml", 1, 1)
SPACE = "a no-break space (U+00A0), which YAML takes for a letter: write a plain space"
TRUTH = "a truth value in YAML 1.1 and a text in 1.2; write true or false, or quote the text"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%YAML 1.1\n---\na: 1", "1:1: %YAML 1.1; files are YAML 1.2, leave the line out"),
        ("a: !!bool yes", "1:4: the tag !!bool; tags are not read, leave it out"),
        ("a: !!set {b}", "1:4: the tag !!set; tags are not read, leave it out"),
        ("a: !!str 5", "1:4: the tag !!str; tags are not read, leave it out"),
        *((f"a: {word}", f"1:4: {word}: {TRUTH}") for word in ("yes", "Off", "ON", "n")),
        ("a: [no]", f"1:5: no: {TRUTH}"),
        ("a: 010", "1:4: 010: octal in YAML 1.1 and decimal in 1.2; leave out the zeros in front"),
        ("a: 1:30", "1:4: 1:30: a number to base 60 in YAML 1.1 and a text in 1.2"),
        ("a: \u00a01", f"1:4: {SPACE}"),
        ("\u00a0a: 1", f"1:1: {SPACE}"),
        ("x:\u00a0{b: 1}\ny: 2", f"1:1: {SPACE}"),
        ("a: 1\nb:\u00a0\n  c: 1", f"3:4: broken YAML: {SPACE}"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_its_place(text, said):
    problems = Problems()
    read_text(text, START, problems)
    with pytest.raises(StudyError) as raised:
        problems.raise_any()
    assert str(raised.value).startswith(f"study.yaml:{said}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("%YAML 1.2\n---\na: 1", 1),
        ("a: 'yes'", "yes"),
        ("a: true", True),
        ("a: 10_000", 10_000),
        ("a: 0o10", 8),
        ("a: 0.5", 0.5),
        ("a: 0", 0),
        ('a: "\u00a0b"', "\u00a0b"),
        ("a: 5\u00a0percent", "5\u00a0percent"),
        ("a: '1:30'", "1:30"),
    ],
)
def test_what_all_read_alike_is_taken(text, value):
    problems = Problems()
    node = read_text(text, START, problems)
    problems.raise_any()
    assert node is not None
    assert plain(node) == {"a": value}


def test_a_key_is_a_word_in_any_case():
    assert (node := read_text("yes: 1\non: 2", START, Problems())) is not None
    assert plain(node) == {"yes": 1, "on": 2}
