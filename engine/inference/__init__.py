"""Texts to vectors, on whatever processor there is.

The life of a call: `encoder` sorts the texts by length and cuts them into slices; `tokenizer` turns
a slice into ids while the slice before it is still running; `batching` packs the ids into batches
by a budget of tokens; `network` runs a batch through one ONNX session and pools the token vectors
(`pooling`); the vectors return in the order of the texts. Before the first call `engine.runtime`
chooses the processor, and `precision` the variant: int8 on a CPU (`int8`), fp16 on a GPU, each made
once and compared with fp32 on the sentences of `calibration` before it is trusted.

This room knows no SQL, fetches no models, and keeps no results.
"""
