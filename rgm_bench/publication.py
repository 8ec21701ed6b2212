"""Finished studies as folders to commit: what was run, every trial, tables, figures, verdicts.

    <root>/<study>/<profile>/   study.json, trials.parquet, claims.json, digests.json of these,
                                tables/, figures/
    <root>/README.md            all claims of all of them, and what each run took

A folder can be read again without the store: its tables and verdicts are those of its trials.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import pandas as pd

from rgm_bench.agreement import DIGESTS, require_agreement, require_digests, write_digests
from rgm_bench.config.given_up import GivenUp
from rgm_bench.config.load import resolved_study
from rgm_bench.config.spec import earlier_revisions, spec_id
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.errors import StoreError
from rgm_bench.report import Report
from rgm_bench.report.claims import claim_cells
from rgm_bench.results.files import to_json, write_whole
from rgm_bench.results.frames import Results
from rgm_bench.results.kept import KeptResults
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.search import searched
from rgm_bench.verdicts import CLAIMS_FILE, Decided, judge, report, shown

STUDY, TRIALS = "study.json", "trials.parquet"
FILES = (STUDY, TRIALS, CLAIMS_FILE)
"""What a folder is read from."""

CLAIMS_HEAD = (
    "study", "claim", "in the paper", "verdict", "effect", "95% interval", "seeds", "p"
)  # fmt: skip
RUNS_HEAD = ("study", "seeds", "trainings", "evaluations", "core minutes")


def publish(study: StudySpec, results: Results, root: Path) -> Report:
    """Write the folder of a finished study below `root`, and the page over all folders anew.

    Names of machines stay out of it.

    Raises:
        StoreError: a trial is missing, or `root` cannot be written.
    """
    given_up = study.found.given_up
    missing = [t for t in study.trials if not (_has_ended(t, results) or given_up.lost(t))]
    if missing:
        raise StoreError(
            f"{study.name}/{study.profile}: {len(missing)} of {len(study.trials)} trials "
            f"{'is' if len(missing) == 1 else 'are'} not finished; "
            "`rgm-bench run` the study with the same options first"
        )
    folder = root / study.name / study.profile
    written = report(study, _WithoutHosts(results), folder)
    write_whole(folder / STUDY, to_json(study.resolved))
    write_digests(folder, FILES)
    write_whole(root / "README.md", overview(root).encode())
    return written


def read_publication(folder: Path) -> tuple[StudySpec, KeptResults]:
    """The study of a published folder, and the outcomes of its trials.

    Raises:
        StoreError: it is no such folder, or does not hold together.
        StudyError: its study is of another version of the grammar.
    """
    for name in (STUDY, TRIALS):
        if not (folder / name).is_file():
            raise StoreError(
                f"{folder}: found no {name}; expected a folder that `rgm-bench publish` wrote"
            )
    require_digests(folder)
    try:
        results = KeptResults(pd.read_parquet(folder / TRIALS))
        study = resolved_study(folder / STUDY)
        if study.search is None:
            study = replace(study, trials=results.trials(study.axes))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{folder / TRIALS}: not the trials of a published study ({error}); take the folder as "
            "it was published (`git checkout`), or publish the study again"
        ) from error
    study = searched(study, results)
    require_agreement(judge(study, results), folder)
    return study, results


def report_published(folder: Path) -> Report:
    """Write the report of a published folder again from its trials, into it.

    Raises:
        StoreError: as for `read_publication`.
    """
    written = report(*read_publication(folder), folder)
    if (folder / DIGESTS).is_file():  # other versions of libraries write other bytes
        write_digests(folder, FILES)
    return written


def _has_ended(trial: Trial, results: Results) -> bool:
    if results.outcome("evaluation", trial.id) is not None:
        return True
    training = trial.training_id
    ended = results.outcome("training", training) if training is not None else None
    return ended is not None and ended.status == "diverged"


@final
@dataclass(frozen=True)
class _WithoutHosts:
    """Results as they are, but for the names of the machines they came from."""

    whole: Results

    def outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        outcome = self.whole.outcome(kind, unit_id)
        if outcome is None:
            return None
        known = {name: value for name, value in outcome.provenance.items() if name != "host"}
        return replace(outcome, provenance=known)

    def curve(self, training_id: str) -> dict[str, list[float | None]] | None:
        return self.whole.curve(training_id)

    def grid(self, evaluation_id: str) -> Path | None:
        return self.whole.grid(evaluation_id)

    def points(self, evaluation_id: str) -> Path | None:
        return self.whole.points(evaluation_id)

    def given_up(self, study: StudySpec) -> GivenUp:
        return self.whole.given_up(study)


# --- the page over all ------------------------------------------------------------------------


def overview(root: Path) -> str:
    """The claims of the folders below `root`, and what their runs took, in Markdown."""
    folders = sorted(path.parent for path in root.glob(f"*/*/{STUDY}"))
    claims: list[Sequence[str]] = []
    listed: set[tuple[str, frozenset[str], str]] = set()
    runs: list[Sequence[str]] = []
    machines: dict[str, None] = {}
    earlier: dict[str, dict[str, None]] = {}
    for folder in folders:
        study, results = read_publication(folder)
        link = f"[{study.name}/{study.profile}]({study.name}/{study.profile}/tables)"
        if len(study.seeds) > 1:  # one tests nothing
            decided = judge(study, results)
            claims += [(link, *_cells(each)) for each in decided if _grounds(each) not in listed]
            listed |= {_grounds(each) for each in decided}
        frame = pd.read_parquet(folder / TRIALS)
        runs.append((link, *_run(study, frame)))
        machines |= dict.fromkeys(map(_machine, frame["provenance"].dropna()))
        for trial in study.trials:
            for correction in earlier_revisions(trial.spec):
                earlier.setdefault(correction, {})[link] = None
    return "\n".join(
        [
            "# Published results",
            "",
            "Written by `rgm-bench publish`; `rgm-bench report FOLDER` computes the tables and",
            "verdicts of a folder again from its trials. An effect is the ratio of geometric means",
            "for distances such as FID, else a difference; p is corrected (Holm) within its study.",
            "Claims of studies with one seed are left out: nothing can be tested. Claims of a",
            "study which extends another are listed once where they rest on the same trials and",
            "come to the same verdict.",
            "Studies may share trials under other names: one effect and interval is one finding.",
            "",
            *_corrected_since(earlier),
            "## Claims",
            "",
            *_markdown(CLAIMS_HEAD, claims),
            "",
            "## Runs",
            "",
            "Time is the sum over all units on one core each, those that studies share in each.",
            "",
            *_markdown(RUNS_HEAD, runs),
            "",
            "## Machines",
            "",
            *(f"- {machine}" for machine in machines),
            "",
        ]
    )


def _corrected_since(earlier: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Which folders hold what has been corrected since; nothing where there is none."""
    if earlier:
        yield from ("## Corrected since", "")
        yield from ("These trials are of an earlier revision and have to be computed again:", "")
        yield from (f"- {what}: {', '.join(links)}" for what, links in earlier.items())
        yield ""


def _grounds(decided: Decided) -> tuple[str, frozenset[str], str]:
    """What a claim says, what decides it and how: alike in a study and in one that extends it.

    Among other claims the same seeds may leave open what they decided here (Holm).
    """
    return spec_id(decided.claim), decided.evaluations, decided.verdict.decision


def _cells(decided: Decided) -> list[str]:
    return [cell.text for cell in claim_cells(shown(decided), numbered=True)]


def _run(study: StudySpec, frame: pd.DataFrame) -> Iterator[str]:
    trainings = frame.dropna(subset="training_id").drop_duplicates("training_id")
    evaluations = frame.drop_duplicates("evaluation_id")
    seconds = trainings["training_seconds"].sum() + evaluations["seconds"].sum()
    yield str(len(study.seeds))
    yield str(len(trainings))
    yield str(len(evaluations))
    yield f"{seconds / 60:.0f}"


def _machine(provenance: str) -> str:
    known: Mapping[str, Any] = json.loads(provenance)
    versions = ", ".join(f"{name} {number}" for name, number in known["versions"].items())
    return (
        f"{known['device_name']} ({known['cpu_capability']}, {known['cpus']} cores, a unit on "
        f"{known['threads']}), {known['platform']}, Python {known['python']}; {versions}"
    )


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
