-- PREDICT and EVALUATE: a query's rows with their predictions, and how good these are.
-- Run from the top of the source: augur < sql_examples/07_predict_given.sql

CREATE TABLE reviews AS FROM 'sql_examples/hotel_reviews.csv';
CREATE INDEX hotels ON reviews USING HNSW (review);

-- The rows of GIVEN's query, and a column more for each thing that is asked for.
SELECT column_name, column_type FROM (DESCRIBE
  PREDICT rating WITH CONFIDENCE, PROBABILITIES USING INDEX hotels GIVEN SELECT id, review FROM reviews);

-- What is to be done with the predictions goes around it.
SELECT count(*) AS filled_in, bool_and(stars BETWEEN 1 AND 5) AS all_are_ratings
FROM (PREDICT rating AS stars USING INDEX hotels GIVEN SELECT * FROM reviews WHERE rating IS NULL);

-- Three ways to predict, measured on the rated rows. None of them learns from the row it predicts.
CREATE TABLE compared AS
EVALUATE rating USING INDEX hotels OPTIONS (strategy = 'vote'),
         rating USING INDEX hotels OPTIONS (strategy = 'head'),
         rating USING INDEX hotels TOP 5 RANDOM
GIVEN SELECT * FROM reviews WHERE rating IS NOT NULL;

SELECT rung, rows, accuracy > (SELECT accuracy FROM compared WHERE rung = 'random') AS better_than_chance,
       log_loss < 1.7 AS surer_than_guessing
FROM compared WHERE rung <> 'random';
