"""ONNX Runtime and the processors of this machine: what every room with models builds on.

`sessions` loads the right build and opens graphs, `gpu` is where the CUDA build is kept, `cores`
says how many threads are ours. Nothing here knows what a graph is for.
"""
