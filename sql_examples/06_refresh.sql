-- Keep an index up to date with its table.
-- Run from the top of the source: augur < sql_examples/06_refresh.sql

CREATE TABLE reviews AS FROM 'sql_examples/hotel_reviews.csv' LIMIT 60;
CREATE INDEX hotels ON reviews USING HNSW (review);

-- An index is a snapshot: it does not know rows that come later.
INSERT INTO reviews (id, hotel, review, rating)
VALUES (1001, 'Hotel Savanna', 'There were zebras in the swimming pool, which the children loved', 5);

SELECT value AS rows_lacking FROM (DESCRIBE INDEX hotels) WHERE property = 'rows lacking';
SELECT count(*) AS zebras_found FROM search('hotels', 'zebras in the pool', k := 1) WHERE id = 1001;

-- REFRESH embeds the new text alone, and makes the next version.
REFRESH INDEX hotels;
SELECT version, rows, texts FROM (SHOW INDEXES);
SELECT id, hotel FROM search('hotels', 'zebras in the pool', k := 1);

-- Deleted rows are forgotten, and changed labels are learned.
DELETE FROM reviews WHERE id = 1001;
UPDATE reviews SET rating = 3;
REFRESH INDEX hotels;
SELECT version, rows, texts FROM (SHOW INDEXES);
SELECT count(*) AS zebras_found FROM search('hotels', 'zebras in the pool', k := 60) WHERE id = 1001;
SELECT predict('rating', 'Lovely' USING INDEX hotels) AS everything_is_a_3_now;

DROP INDEX hotels;
SELECT count(*) AS indexes FROM (SHOW INDEXES);
