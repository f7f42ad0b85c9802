"""Language models: conversations in, texts or probabilities of labels out.

A model's files become one graph for this machine's precision (`graph`), opened with a key-value
cache that is written in place (`decoder`). A chunk's conversations are rendered by the model's own
chat template (`chat`) and sorted, so that what they share at the beginning is computed once. Labels
are scored along a trie (`labels`, `scoring`), free answers are generated in a batch that rows enter
and leave (`generating`), by a sampler (`sampling`) within a grammar (`constraint`).

This room knows no SQL, retrieves nothing and does not decide what a prompt says.
"""
