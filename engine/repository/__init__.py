"""Models on this machine: where they come from, and how they are kept.

The life of a model: `obtain` is given a source (an alias, a hub id, a folder, an ONNX file) and a
`request`, looks into the `store`, and where nothing is found takes one road: `hub` downloads
(`download` goes on where the last attempt stopped), `folder` reads local files, `bundled` finds the
installed weights. `admission` chooses the wanted files by the source's kind (`kinds`), refuses what
does not fit on the `machine` (`sizing`), and lets it in: `encoder` with an ONNX graph, for which
`export` converts weights in a process of its own, and what `profile` reads of pooling and length;
`language` models and their `adapter`s as they are, for their graphs are made later. The result is
kept under the digest of its content with a `manifest`.

This room runs no model, executes no code that came with one, and never unpickles.
"""
