"""Hotel ratings 1-5: what predict() gives on hotels it has not seen, and that it does not cheat.

    python benchmarks/ratings.py

The same statement is run over rows that are in the index and over hotels that are not. A predictor
that learned from a row when it predicts that row would be much better on the first.
"""

from data import path, table, verdict

import augursql

PREDICT = "predict('rating', review USING INDEX {index} OPTIONS (strategy = '{strategy}'))"


def main() -> None:
    con = augursql.connect(settings={"progress": "off"})
    con.execute(
        f"CREATE TABLE reviews AS SELECT *, hash(hotel) % 4 = 0 AS unseen "
        f"FROM '{path('hotels.parquet')}' WHERE rating IS NOT NULL AND review IS NOT NULL"
    )
    con.execute("CREATE TABLE seen AS FROM reviews WHERE NOT unseen")
    con.execute("CREATE INDEX hotels ON seen USING HNSW (review)")
    commonest = con.execute(
        "SELECT avg((rating = (SELECT mode(rating) FROM seen))::INT) FROM reviews WHERE unseen"
    ).fetchone()[0]
    rows, gaps = [("always the commonest", "", f"{100 * commonest:.1f} %")], []
    for strategy in ("vote", "head", "auto"):
        call = PREDICT.format(index="hotels", strategy=strategy)
        accuracy = {
            bool(unseen): share
            for unseen, share in con.execute(
                f"SELECT unseen, avg(({call} = rating)::INT) FROM reviews GROUP BY unseen"
            ).fetchall()
        }
        rows.append((strategy, f"{100 * accuracy[False]:.1f} %", f"{100 * accuracy[True]:.1f} %"))
        gaps.append((strategy, accuracy[False] - accuracy[True]))
    table(("strategy", "on indexed rows (each left out)", "on unseen hotels"), rows)
    verdict([f"{s}: {100 * gap:.1f} points better on its own rows" for s, gap in gaps if gap > 0.1])


if __name__ == "__main__":
    main()
