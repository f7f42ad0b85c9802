-- Sort texts into labels without any training, and compare meanings.
-- Run from the top of the source: augur < sql_examples/04_zero_shot.sql

CREATE TABLE said AS FROM (VALUES
    ('The breakfast buffet had fresh fruit and warm bread'),
    ('The bar under our room played music until three'),
    ('The receptionist was rude and ignored us'),
    ('The wifi dropped every five minutes')) AS said(line);

SELECT line, classify(line, ['food', 'noise', 'staff', 'internet']) AS about FROM said;

-- Descriptions say what a short name cannot.
SELECT line, classify(line, [{'label': 'A', 'description': 'eating and drinking'},
                             {'label': 'B', 'description': 'computers and the internet'}]) AS department
FROM said WHERE line ILIKE '%breakfast%' OR line ILIKE '%wifi%';

-- Labels may come from a column, so that each row has its own.
SELECT line, classify(line, labels) AS label
FROM (VALUES ('He scored twice in the final', ['sport', 'cooking']),
             ('Bake it for an hour', ['cooking', 'law'])) AS own(line, labels);

-- The cosine of two meanings, and the vectors below it.
SELECT similarity('The wifi was slow', 'The internet connection was bad')
         > similarity('The wifi was slow', 'The soup was salty') AS internet_is_nearer_than_soup,
       abs(similarity('a cat', 'a kitten') - array_cosine_similarity(embed('a cat'), embed('a kitten'))) < 0.0001
         AS similarity_is_the_cosine;

-- Unhappy guests are told from happy ones better than by chance, though nobody said what a rating is.
CREATE TABLE moods AS
SELECT rating, classify(review, [{'label': 'happy', 'description': 'a wonderful stay, great hotel'},
                                 {'label': 'unhappy', 'description': 'a terrible stay, awful hotel'}]) AS mood
FROM 'sql_examples/hotel_reviews.csv' WHERE rating IN (1, 5) AND id <= 200;

SELECT avg((mood = 'unhappy')::INT) FILTER (rating = 1)
         > avg((mood = 'unhappy')::INT) FILTER (rating = 5) + 0.2 AS told_apart
FROM moods;
