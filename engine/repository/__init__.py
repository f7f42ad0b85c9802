"""Models on this machine: where they come from, and how they are kept.

The life of a model: `obtain` is given a source (an alias, a hub id, a folder, an ONNX file), looks
into the `store`, and where nothing is found takes one road: `hub` downloads an ONNX file, `folder`
reads local files, `bundled` finds the installed weights; `export` converts weights to ONNX in a
process of its own. `profile` reads from the model's own files how its vectors are made (pooling,
normalisation, length). The result is kept under the digest of its content with a `manifest`.

This room runs no model, executes no code that came with one, and never unpickles.
"""
