-- Let several columns speak: together they are one document.
-- Run from the top of the source: augur < sql_examples/05_several_inputs.sql

CREATE TABLE reviews AS FROM 'sql_examples/hotel_reviews.csv' LIMIT 200;
CREATE INDEX stays ON reviews USING HNSW (title, review);

SELECT name, columns, rows FROM (SHOW INDEXES);

-- The inputs are called like the index's columns, so their order does not matter.
CREATE TABLE answers AS
SELECT rating,
       predict('rating', title, review USING INDEX stays WITH METADATA) AS p,
       predict('rating', review, title USING INDEX stays) AS turned
FROM reviews;

SELECT count(*) AS answers, bool_and(p.prediction = turned) AS same_in_any_order,
       bool_and(p.metadata.cached) AS all_known_to_the_index
FROM answers;

-- A NULL leaves its line out. Only where all inputs are NULL, so is the answer.
SELECT predict('rating', NULL, 'Cold, dirty and far too expensive' USING INDEX stays) IS NOT NULL AS without_title,
       predict('rating', NULL, NULL USING INDEX stays) IS NULL AS nothing_from_nothing;

-- Other columns of the same index can be targets, too.
SELECT bool_and(hotel_found IN (SELECT hotel FROM reviews)) AS hotels_that_exist,
       avg((hotel_found = hotel)::INT) > 2 / count(DISTINCT hotel) AS better_than_guessing
FROM (SELECT hotel, predict('hotel', title, review USING INDEX stays OPTIONS (strategy = 'vote')) AS hotel_found
      FROM reviews);
