"""From vectors and labels to predictions with honest probabilities.

The life of a predictor: `examples` gathers labelled rows by the entry they share; `folds` splits
the entries; `vote` (neighbours) and `head` (a linear model: `logistic` over features of
`whitening`, or `ridge` for numbers) are fitted and cross-validated; `calibration` makes their
scores probabilities; `predictor` keeps the better one as a `trained.Predictor`, which answers a
batch at a time and never lets a row learn from itself. `zeroshot` needs no examples; `metrics` says
how good any of them is.

numpy is all it needs. It does not know texts, SQL, or where predictors are kept.
"""
