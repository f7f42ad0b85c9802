"""Models at work. Knows no SQL and no DuckDB.

The life of a batch: `repository` brings a model to this machine once and keeps it; `inference`
turns texts into vectors with it, sorted by length and packed by token budget; `generation` lets a
language model score labels or write; `retrieval` finds the neighbours of the whole batch in one
call; `learning` turns neighbours or vectors into labels with calibrated probabilities. All of them
run on `runtime`, the sessions of ONNX Runtime. The batch is the unit: no public function takes one
text.
"""
