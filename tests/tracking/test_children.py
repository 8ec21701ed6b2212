from dataclasses import replace

from rgm_bench.tracking.children import children_of


def test_nothing_finished_means_no_child(study, view):
    assert list(children_of(study, view)) == []


def test_a_child_for_each_arm_and_seed_and_one_for_real_images(study, view):
    view.finish(*study.trials)
    assert [child.params["arm"] for child in children_of(study, view)] == [
        *["fidelity_weight=0.0"] * 2,
        *["fidelity_weight=0.05"] * 2,
        "real train",
    ]


def test_arm_ids_differ_between_arms_and_never_between_seeds(study, view):
    view.finish(*study.trials)
    ids: dict[str, set[str]] = {}
    for child in children_of(study, view):
        ids.setdefault(child.params["arm"], set()).add(child.params["arm_id"])
    assert all(len(of_arm) == 1 for of_arm in ids.values())
    assert len(set.union(*ids.values())) == len(ids)


def test_shares_of_one_training_are_one_child_with_a_score_at_each(study, view):
    half, whole = study.trials[:2]
    view.finish(half, whole)
    (child,) = children_of(study, view)
    fids = [(p.images, p.metric) for part in child.parts for p in part.points if "fid." in p.metric]
    assert fids == [(320, "fid.digits_cnn_v1.n64"), (640, "fid.digits_cnn_v1.n64")]
    assert len(child.units) == 3


def test_a_child_grows_and_keeps_its_key(study, view):
    half, whole = study.trials[:2]
    view.finish(half)
    (before,) = children_of(study, view)
    view.finish(whole)
    (after,) = children_of(study, view)
    assert before.key == after.key
    assert before.units < after.units


def test_new_code_means_new_units_under_the_same_key(study, view):
    view.finish(study.trials[0])
    (before,) = children_of(study, view)
    view.digest = "beef"
    view.finish(study.trials[0])
    (after,) = children_of(study, view)
    assert before.key == after.key
    assert before.units.isdisjoint(after.units)


def test_parameters_are_the_leaves_of_the_spec_without_seeds(study, view):
    view.finish(study.trials[-2])
    (child,) = children_of(study, view)
    assert child.params["training.method.fidelity_weight"] == "0.05"
    assert child.params["training.generator.channel_multipliers"] == "[1, 2]"
    assert child.params["evaluation.reference.extractor"] == "digits_cnn_v1"
    assert child.params["seed"] == "1"
    assert not [name for name in child.params if name.endswith(".seed")]


def test_values_that_are_no_numbers_are_left_out(study, view):
    view.finish(study.trials[0])
    (child,) = children_of(study, view)
    prior = [p.images for part in child.parts for p in part.points if p.metric == "prior"]
    assert prior == [640]


def test_paper_lambda_is_the_inverse_weight_and_absent_at_zero(study, view):
    view.finish(study.trials[0], study.trials[-2])
    zero, other = ({p.metric: p.value for p in c.points} for c in children_of(study, view))
    assert zero == {"fidelity_weight": 0}
    assert other == {"fidelity_weight": 0.05, "paper_lambda": 20}


def test_divergence_is_told_with_its_reason(study, view):
    view.finish(study.trials[0], diverged="loss is not finite")
    (child,) = children_of(study, view)
    assert child.diverged == "loss is not finite"


def test_labels_of_two_evaluations_of_one_training_stay_apart(study, view):
    first = study.trials[0]
    other = replace(first, evaluation="again")
    view.finish(first)
    children = list(children_of(replace(study, trials=(first, other)), view))
    assert len({child.key for child in children}) == 2
