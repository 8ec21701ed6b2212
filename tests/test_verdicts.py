"""Which numbers of a store decide which claim of a study."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rgm_bench.claims import Verdict
from rgm_bench.config.claim import (
    ClaimSpec,
    ComparisonClaimSpec,
    InteriorMinimumClaimSpec,
    OrderingClaimSpec,
    WithinClaimSpec,
)
from rgm_bench.config.spec import (
    EvaluationSpec,
    LatentDiversitySpec,
    PointsSpec,
    RestoreSpec,
)
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.results.store_frames import store_claims_frame
from rgm_bench.verdicts import CLAIMS_FILE, judge, report, write_claims
from tests.conftest import Folder, make_generated, make_sweep

FIDS = {5e-4: (20.0, 21.0, 22.0), 5e-2: (10.0, 10.5, 11.0), 5: (30.0, 31.0, 32.0)}
"""The end of each training: three seeds of three weights."""


def better(this: Any, than: Any, **fields: Any) -> ComparisonClaimSpec:
    weights = {"this": {"fidelity_weight": this}, "than": {"fidelity_weight": than}}
    return ComparisonClaimSpec(**{"kind": "better", "metric": "fid"} | weights | fields)


INTERIOR = InteriorMinimumClaimSpec(kind="interior_minimum", metric="fid", over="fidelity_weight")
RISING = OrderingClaimSpec(
    kind="ordering", metric="fid", over="fidelity_weight", order=(5e-2, 5e-4, 5)
)
WITHIN = WithinClaimSpec(kind="within", metric="fid", over="fidelity_weight", low=1e-3, high=1)


def with_claims(study: StudySpec, *claims: ClaimSpec) -> StudySpec:
    return replace(study, claims={f"claim_{number}": claim for number, claim in enumerate(claims)})


def sweep(*claims: ClaimSpec, **fields: Any) -> StudySpec:
    return with_claims(make_sweep(weights=tuple(FIDS), **fields), *claims)


def fill(study: StudySpec, results: Folder, **scores: Any) -> None:
    """The scores above at the end of each training, and far worse ones before."""
    for trial in study.trials:
        if trial.real is not None:
            results.finish(trial)
            continue
        fid = FIDS[trial.labels["fidelity_weight"]][trial.seed]
        results.finish(trial, fid=fid if trial.spec.source.at == 1 else 1000 - fid, **scores)


def only(study: StudySpec, results: Folder) -> Verdict:
    (decided,) = judge(study, results)
    return decided.verdict


# --- the right values -------------------------------------------------------------------------


def test_the_end_of_each_training_decides_and_nothing_before(results) -> None:
    study = sweep(better(5e-2, 5))
    fill(study, results)
    verdict = only(study, results)
    assert verdict.decision == "supported"
    ratio = (10 * 10.5 * 11 / (30 * 31 * 32)) ** (1 / 3)
    assert verdict.effect == pytest.approx(ratio)
    assert verdict.num_seeds == (("fidelity weight 0.05", 3), ("fidelity weight 5", 3))


def test_a_study_without_the_end_is_decided_by_its_last_share(results) -> None:
    study = sweep(better(5e-2, 5), shares=(0.25, 0.5))
    for trial in study.trials:
        at_half = trial.real is None and trial.spec.source.at == 0.5
        fid = FIDS[trial.labels["fidelity_weight"]][trial.seed] if at_half else 1.0
        results.finish(trial, fid=fid)
    assert only(study, results).effect == pytest.approx((1155 / 29760) ** (1 / 3))


@pytest.mark.parametrize(
    ("claim", "decision"),
    [
        (better(5e-2, 5), "supported"),
        (better(5, 5e-2), "contradicted"),
        (better(5e-2, 5, kind="not_worse", margin=0.1), "supported"),
        (better(5e-2, 5, margin=9.0), "contradicted"),
        (INTERIOR, "supported"),
        (RISING, "supported"),
        (RISING.model_copy(update={"direction": "decreasing"}), "contradicted"),
        (WITHIN, "supported"),
        (WITHIN.model_copy(update={"low": 1.0, "high": 10.0}), "contradicted"),
    ],
)
def test_every_kind_of_claim(results, claim, decision) -> None:
    study = sweep(claim)
    fill(study, results)
    assert only(study, results).decision == decision


def test_an_axis_of_numbers_is_read_by_size_and_one_of_words_as_written(results) -> None:
    """Of the weights the middle one is best; in the order of this file it is an end."""
    study = with_claims(make_sweep(weights=(5e-2, 5, 5e-4)), INTERIOR)
    fill(study, results)
    assert only(study, results).decision == "supported"
    words = {5e-2: "little", 5: "much", 5e-4: "least"}
    trials = [
        replace(t, labels={"fidelity_weight": words[t.labels["fidelity_weight"]]})
        for t in study.trials
        if t.real is None
    ]
    named = replace(study, trials=tuple(trials), axes={"fidelity_weight": tuple(words.values())})
    verdict = only(named, results)
    assert verdict.decision == "contradicted"
    assert "little, much and least" in verdict.statement


def test_a_metric_that_is_better_higher(results) -> None:
    study = sweep(better(5e-2, 5, metric="inception_score"))
    for trial in study.trials:
        low = trial.labels.get("fidelity_weight") == 5
        results.finish(trial, inception_score=(2 if low else 9) + 0.1 * trial.seed)
    verdict = only(study, results)
    assert verdict.decision == "supported"
    assert verdict.effect == pytest.approx(7)  # a difference, not a ratio


@pytest.mark.parametrize(
    ("metric", "name", "measure"),
    [
        (
            "w2",
            "w2.points.n64",
            PointsSpec.model_validate(
                {"kind": "points", "sampler": {"kind": "restoration"}, "num_points": 64}
            ),
        ),
        (
            "psnr",
            "psnr.pixels.n16",
            RestoreSpec.model_validate(
                {
                    "kind": "restore",
                    "problem": {"operator": {"kind": "block_average", "factor": 2}},
                    "solver": {"kind": "pseudo_inverse"},
                    "num_images": 16,
                }
            ),
        ),
        (
            "latent_diversity",
            "latent_diversity.pixels.n8",
            LatentDiversitySpec(kind="latent_diversity", level=1, num_images=8, num_latents=2),
        ),
    ],
)
def test_scores_of_other_kinds_are_found_by_their_names(results, metric, name, measure) -> None:
    """A claim says `w2`; results hold it with its space and number."""
    claim = RISING.model_copy(update={"metric": metric})
    study = sweep(claim, shares=(1.0,))
    trials = []
    for trial in study.trials:
        if trial.real is None:
            # not validated: points are no images, but a claim reads names only
            spec = EvaluationSpec.model_construct(
                source=trial.spec.source, measure=measure, seed=trial.seed
            )
            trials.append(replace(trial, spec=spec))
            fid = FIDS[trial.labels["fidelity_weight"]][trial.seed]
            results.finish(trials[-1], **{metric: fid})
            assert name in results.outcome("evaluation", trials[-1].id).metrics
    assert only(replace(study, trials=tuple(trials)), results).decision == "supported"


# --- seeds that are missing, diverged or old --------------------------------------------------


def test_without_results_nothing_is_decided(results) -> None:
    verdict = only(sweep(better(5e-2, 5)), results)
    assert (verdict.decision, verdict.effect, verdict.p) == ("inconclusive", None, None)
    assert verdict.num_seeds == (("fidelity weight 0.05", 0), ("fidelity weight 5", 0))
    assert "fidelity weight 0.05 has no finished seed" in verdict.explanation


def test_an_arm_that_is_missing_leaves_the_claim_open(results) -> None:
    study = sweep(better(5e-2, 5))
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") == 5e-2:
            results.finish(trial, fid=10.0 + trial.seed)
    verdict = only(study, results)
    assert verdict.decision == "inconclusive"
    assert "fidelity weight 5 has no finished seed" in verdict.explanation


@pytest.mark.parametrize("evaluated", [False, True])
def test_a_seed_that_diverged_counts_and_is_not_left_out(results, evaluated) -> None:
    """Whether its evaluation has already been told, or only the training was."""
    study = sweep(better(5e-2, 5))
    fill(study, results)
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") == 5 and trial.seed == 1:
            results.diverge(trial)
            outcome = results.outcome("evaluation", trial.id)
            folder = results.write(replace(outcome, status="diverged", metrics={}))
            if not evaluated:
                (folder / "result.json").unlink()
    verdict = only(study, results)
    assert verdict.decision == "inconclusive"
    assert "1 of 3 seeds of fidelity weight 5 gave no finite value" in verdict.explanation
    assert verdict.num_seeds[1] == ("fidelity weight 5", 3)


def test_a_training_that_diverged_after_what_is_measured_is_only_missing(results) -> None:
    study = sweep(better(5e-2, 5), shares=(0.25,))
    for trial in study.trials:
        if trial.real is not None:
            continue
        if trial.seed == 2 and trial.labels["fidelity_weight"] == 5:
            results.diverge(trial)
            training = results.outcome("training", trial.training_id)
            results.write(replace(training, images=16_000))  # of 32,000; 8,000 are measured
        else:
            results.finish(trial, fid=10.0 + trial.seed)
    assert only(study, results).num_seeds == (("fidelity weight 0.05", 3), ("fidelity weight 5", 2))


def test_a_result_that_lacks_a_new_metric_is_a_missing_seed(results) -> None:
    study = sweep(better(5e-2, 5, metric="recall"))
    fill(study, results)
    verdict = only(study, results)
    assert verdict.decision == "inconclusive"
    assert verdict.num_seeds == (("fidelity weight 0.05", 0), ("fidelity weight 5", 0))


# --- several axes, evaluations and claims -----------------------------------------------------


def two_axes() -> StudySpec:
    """Weights times a second axis, which changes only the seeds of what is measured."""
    trials: list[Trial] = []
    for weight, flag, seed in ((w, f, s) for w in FIDS for f in (False, True) for s in range(3)):
        trial = make_generated(weight, seed + 10 * flag, 1.0)
        trials.append(replace(trial, labels={"fidelity_weight": weight, "flag": flag}, seed=seed))
    axes = {"fidelity_weight": tuple(FIDS), "flag": (False, True)}
    return replace(make_sweep(), axes=axes, trials=tuple(trials))


def test_at_fixes_the_axes_that_are_not_compared(results) -> None:
    claims = [better(5e-2, 5, at={"flag": flag}) for flag in (False, True)]
    study = with_claims(two_axes(), *claims)
    for trial in study.trials:
        fid = FIDS[trial.labels["fidelity_weight"]][trial.seed]
        results.finish(trial, fid=1 / fid if trial.labels["flag"] else fid)
    assert [each.verdict.decision for each in judge(study, results)] == [
        "supported",
        "contradicted",
    ]


def test_arms_are_never_taken_for_seeds(results) -> None:
    """An axis that the claim knows nothing of, as `--set` can add one."""
    study = with_claims(two_axes(), better(5e-2, 5))
    for trial in study.trials:
        results.finish(trial, fid=FIDS[trial.labels["fidelity_weight"]][trial.seed])
    verdict = only(study, results)
    assert verdict.decision == "inconclusive"
    assert "fidelity weight 0.05 (several arms) has no finished seed" in verdict.explanation


@pytest.mark.parametrize(
    "claim",
    [
        better(0.7, 5),
        RISING.model_copy(update={"order": (0.7, 5)}),
        WITHIN.model_copy(update={"low": 6.0, "high": 7.0}),
        WITHIN.model_copy(update={"over": "nowhere"}),
        INTERIOR.model_copy(update={"over": "nowhere"}),
        better(5e-2, 5, evaluation="nowhere"),
    ],
)
def test_a_claim_about_arms_that_an_override_took_away_is_open(results, claim) -> None:
    study = sweep(claim)
    fill(study, results)
    assert only(study, results).decision == "inconclusive"


def test_arms_are_called_as_in_tables(results) -> None:
    claim = ComparisonClaimSpec(
        kind="better",
        metric="fid",
        this={"fidelity_weight": 5e-2, "flag": True},
        than={"fidelity_weight": 5e-4, "flag": False},
    )
    (decided,) = judge(with_claims(two_axes(), claim), results)
    assert decided.verdict.statement == (
        "fidelity weight 0.05, flag yes is better than fidelity weight 0.0005, flag no"
    )


def test_an_evaluation_is_found_by_its_name(results) -> None:
    study = sweep(better(5e-2, 5, evaluation="second"), shares=(1.0,))
    seconds = []
    for trial in study.trials:
        if trial.real is None:
            measure = trial.spec.measure.model_copy(update={"num_images": 99})
            spec = trial.spec.model_copy(update={"measure": measure})
            seconds.append(replace(trial, evaluation="second", spec=spec))
            results.finish(trial, fid=100.0)
            fid = FIDS[trial.labels["fidelity_weight"]][trial.seed]
            results.finish(seconds[-1], fid=fid)
    study = replace(study, trials=(*study.trials, *seconds))
    assert only(study, results).decision == "supported"


def test_labels_that_an_evaluation_does_not_measure_are_no_arms_of_it(results) -> None:
    """Its `where` leaves them out: the range and the ends are those of what is measured."""
    study = sweep(INTERIOR, WITHIN)
    fill(study, results)
    unmeasured = replace(study, axes={"fidelity_weight": (0, *FIDS, 50)})
    for decided in judge(unmeasured, results):
        assert decided.verdict.decision == "supported"
        assert len(decided.verdict.num_seeds) == 3


def test_holm_counts_all_claims_of_the_study(results) -> None:
    claim = better(5e-2, 5e-4)
    alone = sweep(claim)
    fill(alone, results)
    single = only(alone, results)
    assert single.p == single.p_holm
    three = judge(sweep(claim, claim, claim), results)
    for decided in three:
        assert decided.verdict.p == single.p
        assert decided.verdict.p_holm == pytest.approx(min(1, 3 * single.p))
        assert "Holm over 3 claims" in decided.verdict.method
    unfinished = better(5e-2, 5, metric="recall")  # counts too: its seeds may still arrive
    (first, _) = judge(sweep(claim, unfinished), results)
    assert first.verdict.p_holm == pytest.approx(2 * single.p)


def test_verdicts_come_in_the_order_of_the_file_under_its_names(results) -> None:
    claims = {"second": RISING, "first": INTERIOR}
    study = replace(sweep(), claims=claims)
    assert [each.name for each in judge(study, results)] == ["second", "first"]
    assert judge(sweep(), results) == ()


# --- what is kept -----------------------------------------------------------------------------


def test_claims_are_kept_whole(results, tmp_path: Path) -> None:
    study = sweep(better(5e-2, 5, paper_claim=2, margin=0.1), RISING)
    fill(study, results)
    decided = judge(study, results)
    path = write_claims(decided, tmp_path)
    assert path == tmp_path / CLAIMS_FILE
    for each, kept in zip(decided, json.loads(path.read_text())["claims"], strict=True):
        assert kept["name"] == each.name
        assert type(each.claim).model_validate(kept["claim"], strict=False) == each.claim
        seeds = tuple(tuple(pair) for pair in kept["verdict"].pop("num_seeds"))
        assert Verdict(**kept["verdict"], num_seeds=seeds) == each.verdict


def test_bounds_beyond_all_numbers_can_be_kept(results, tmp_path: Path) -> None:
    """Two seeds very far apart have an interval whose end is larger than any float."""
    study = sweep(better(5e-2, 5), seeds=(0, 1))
    for trial in study.trials:
        results.finish(trial, fid=10.0 ** (195 * trial.seed - 97))
    (decided,) = judge(study, results)
    assert decided.verdict.high == float("inf")
    (kept,) = json.loads(write_claims([decided], tmp_path).read_text())["claims"]
    assert kept["verdict"]["high"] > 1e308


def test_a_report_keeps_its_claims_where_the_store_finds_them(results) -> None:
    study = sweep(better(5e-2, 5, paper_claim=2), report=())
    fill(study, results)
    report(study, results, results.root / "studies" / study.name / study.profile)
    (row,) = store_claims_frame(results).to_dict("records")
    assert row["study"] == study.name
    assert (row["claim"], row["decision"], row["paper_claim"]) == ("claim_0", "supported", 2)
    assert json.loads(row["num_seeds"]) == [["fidelity weight 0.05", 3], ["fidelity weight 5", 3]]


def test_a_study_without_claims_leaves_no_file(results, tmp_path: Path) -> None:
    study = sweep(report=())
    fill(study, results)
    report(study, results, tmp_path)
    assert not (tmp_path / CLAIMS_FILE).exists()
