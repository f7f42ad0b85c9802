"""A graph's kind tells what runs it: one that was written here, one of optimum's, one of T5."""

import mmap
from pathlib import Path

from augursql.engine.generation.appended import AppendedDecoder
from augursql.engine.generation.decoder import CacheShape, Decoder
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.seq2seq import Seq2Seq
from augursql.engine.repository.profile import read_object
from augursql.engine.runtime.sessions import Runtime, Session
from augursql.errors import ModelError

_OPERATOR = b"GroupQueryAttention"
_DECODER, _ENCODER = "decoder_model_merged", "encoder_model"


def open_decoding(runtime: Runtime, graph: Path, config: Path) -> Decoding:
    """Opens a graph, and the encoder beside it; `config` is the model's config.json.

    Raises ModelError for graphs of other kinds.
    """
    session = runtime.open(graph, runtime.threads)
    names = session.inputs
    if "attention_bias" in names:
        return Decoder(session, _shape(session))
    if "encoder_hidden_states" in names:
        encoder = graph.with_name(graph.name.replace(_DECODER, _ENCODER))
        if encoder == graph or not encoder.is_file():
            raise ModelError(
                f"{graph.name} lacks its encoder, or is not the decoder that has both branches.",
                hint="The files encoder_model.onnx and decoder_model_merged.onnx belong together.",
            )
        first = int(read_object(config).get("decoder_start_token_id") or 0)
        return Seq2Seq(runtime.open(encoder, runtime.threads), session, first)
    return AppendedDecoder(session, counts_mask=_has_operator(graph))


def _shape(session: Session) -> CacheShape:
    keys = [sizes for name, sizes in session.input_sizes.items() if name.endswith(".key")]
    return CacheShape(len(keys), int(keys[0][1]), int(keys[0][3]))


def _has_operator(graph: Path) -> bool:
    """Read where it lies: a graph may hold gigabytes of weights."""
    with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_OPERATOR) >= 0
