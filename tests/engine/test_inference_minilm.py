"""The default encoder on real hotel reviews and titles: int8 stays near fp32."""

import os
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from augursql.engine.inference.encoder import Encoder, EncoderOptions, load_encoder
from augursql.engine.repository.bundled import bundled_folder
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.store import Store
from augursql.settings import initial
from augursql.types import SilentMonitor

QUIET = SilentMonitor()
DATA = Path(os.environ.get("AUGUR_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
STORE = Store(initial({}).store)


def _encoder(dtype: str) -> Encoder:
    artifact = obtain("minilm", STORE, offline=True, monitor=QUIET)
    return load_encoder(artifact, STORE, EncoderOptions("cpu", dtype), QUIET)


pytestmark = pytest.mark.skipif(
    bundled_folder() is None and not STORE.list(), reason="augursql[bundled] is not installed"
)


@pytest.mark.parametrize(
    ("file", "column", "rows"), [("hotels", "review", 100), ("hotel_titles", "title", 500)]
)
def test_int8_is_near_fp32_on_hotel_texts(file: str, column: str, rows: int) -> None:
    path = DATA / f"{file}.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set AUGUR_TEST_DATA")
    values = parquet.read_table(path, columns=[column]).column(0).drop_null().slice(0, rows)
    texts = values.to_pylist()
    exact, near = (_encoder(dtype).encode(texts, QUIET).vectors for dtype in ("fp32", "int8"))
    cosines = (exact * near).sum(axis=1)
    assert cosines.mean() > 0.995
    assert cosines.min() > 0.95


def test_similar_texts_are_near_each_other() -> None:
    texts = ["Our room was clean.", "The room was very clean.", "The stock market fell."]
    vectors = _encoder("auto").encode(texts, QUIET).vectors
    assert vectors[0] @ vectors[1] > 0.6 > 0.3 > vectors[0] @ vectors[2]
