-- Find rows by what their text means.
-- Run from the top of the source: augur < sql_examples/02_search.sql

CREATE TABLE reviews AS FROM 'sql_examples/hotel_reviews.csv';
CREATE INDEX hotels ON reviews USING HNSW (review);

-- The nearest row, with all its columns, its similarity and its rank.
SELECT rank, hotel, city, title FROM search('hotels', 'cockroaches in the bathroom', k := 1);

-- Best first.
SELECT count(*) AS found, bool_and(similarity <= before) AS falling
FROM (SELECT similarity, lag(similarity, 1, 1) OVER (ORDER BY rank) AS before
      FROM search('hotels', 'a quiet room', k := 20));

-- A filter is an SQL condition; k rows come back if k rows satisfy it.
SELECT count(*) AS found, max(rating) AS highest_rating
FROM search('hotels', 'wonderful', k := 20, filter := 'rating = 1');

-- Once for each row of a table.
SELECT topic, count(*) AS found, min(rank) AS first, max(rank) AS last
FROM (VALUES ('breakfast'), ('noise'), ('wifi')) AS topics(topic), search('hotels', topics.topic, k := 3)
GROUP BY topic ORDER BY topic;

-- An answer is a table like any other: it joins, groups and sorts.
SELECT count(*) >= 5 AS often_about_breakfast
FROM search('hotels', 'the breakfast was great', k := 10)
WHERE review ILIKE '%breakfast%';
