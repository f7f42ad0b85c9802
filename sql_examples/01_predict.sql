-- Predict a column from the rows that have a value in it.
-- Run from the top of the source: augur < sql_examples/01_predict.sql

CREATE TABLE reviews AS FROM 'sql_examples/hotel_reviews.csv';

-- A few of the reviews have no rating.
SELECT count(*) AS reviews, count(rating) AS rated FROM reviews;

-- Every text becomes a vector, on this machine.
CREATE INDEX hotels ON reviews USING HNSW (review);

-- One column more: learned from the rated rows, with the type of the column.
CREATE TABLE filled AS
SELECT *, predict('rating', review USING INDEX hotels) AS predicted FROM reviews;

SELECT count(*) AS filled_in, bool_and(predicted BETWEEN 1 AND 5) AS all_are_ratings
FROM filled WHERE rating IS NULL;

-- How good is it? No row learns from itself, so the rated rows can be asked.
SELECT avg((predicted = rating)::INT) > 0.4 AS exact_in_four_of_ten,
       avg((abs(predicted - rating) <= 1)::INT) > 0.7 AS near_in_seven_of_ten,
       avg((rating = (SELECT mode(rating) FROM reviews))::INT) < 0.3 AS the_commonest_is_right_less_often
FROM filled WHERE rating IS NOT NULL;

-- Any text can be asked about.
SELECT review, predict('rating', review USING INDEX hotels) >= 3 AS good
FROM (VALUES ('Dirty sheets, no hot water, and the manager shouted at us. We asked for our money back.'),
             ('We loved every minute; the most beautiful hotel we have ever stayed in')) AS new(review);
