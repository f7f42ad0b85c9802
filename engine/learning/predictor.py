"""The door of this room: fit on the labelled rows of an index, keep a `Predictor`, predict.

    predictor = fit_classifier(vectors, entries, labels, classes, retriever, options, monitor)
    scores = predictor.predict(query_vectors, own_entries, retriever)

Candidates are the neighbours' vote and a linear head, each also with balanced class weights where
classes are uneven. All are judged on the same examples, each by models that have not seen them.
"""

from augursql.engine.learning.classification import fit_classifier
from augursql.engine.learning.options import FitOptions
from augursql.engine.learning.regression import fit_regressor
from augursql.engine.learning.trained import Predictor, Scores

__all__ = ["FitOptions", "Predictor", "Scores", "fit_classifier", "fit_regressor"]
