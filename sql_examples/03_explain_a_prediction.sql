-- Ask how sure a prediction is, and why.
-- Run from the top of the source: augur < sql_examples/03_explain_a_prediction.sql

CREATE TABLE reviews AS FROM 'sql_examples/hotel_reviews.csv';
CREATE INDEX hotels ON reviews USING HNSW (review);

-- With a WITH clause the answer is a STRUCT: the prediction, then what was asked for.
CREATE TABLE answers AS
SELECT review, rating, predict('rating', review USING INDEX hotels
                               WITH CONFIDENCE, PROBABILITIES, EXPLANATION, METADATA) AS p
FROM reviews;

SELECT bool_and(p.confidence = p.probabilities[p.prediction]) AS confidence_is_its_probability,
       bool_and(abs(list_sum(map_values(p.probabilities)) - 1) < 0.001) AS probabilities_sum_to_1
FROM answers;

-- Where it is sure, it is right more often.
SELECT avg((p.prediction = rating)::INT) FILTER (p.confidence >= middle)
         > avg((p.prediction = rating)::INT) FILTER (p.confidence < middle) AS sure_is_more_often_right
FROM answers, (SELECT median(p.confidence) AS middle FROM answers)
WHERE rating IS NOT NULL;

-- The explanation holds the nearest labelled texts, and never the row itself.
SELECT min(len(p.explanation.rows)) AS fewest_rows,
       count(*) FILTER (list_contains(list_transform(p.explanation.rows, lambda r: r.text), review)) AS own_text_shown
FROM answers;

SELECT count(*) AS neighbours, bool_and(label BETWEEN 1 AND 5) AS labelled, max(similarity) < 1 AS none_is_the_text
FROM (SELECT unnest(predict('rating', 'The shuttle never came' USING INDEX hotels TOP 7 WITH EXPLANATION)
                    .explanation.rows, recursive := true));

-- The metadata say what answered. All of these texts are in the index: no model had to run.
SELECT DISTINCT p.metadata.model, p.metadata.index_version, p.metadata.strategy IN ('vote', 'head') AS fitted,
       p.metadata.cached
FROM answers;
