"""The scores of the folds of a cross-validation are a curve of the run in MLflow."""

from unroll.tracking.results import _evaluation_rows


def test_each_fold_is_a_step() -> None:
    folds = [{"fold": 0, "documents": 9, "accuracy": 0.5}, {"fold": 1, "documents": 8, "accuracy": 0.75}]
    rows = _evaluation_rows({"accuracy": 0.5, "folds": 2, "by_fold": folds}, {})
    assert rows == [
        {"step": 0, "values": {"accuracy": 0.5, "folds": 2.0}},
        {"step": 0, "values": {"by_fold_documents": 9.0, "by_fold_accuracy": 0.5}},
        {"step": 1, "values": {"by_fold_documents": 8.0, "by_fold_accuracy": 0.75}},
    ]
