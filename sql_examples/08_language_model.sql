-- A language model: without examples, with some, and with the right ones.
-- Run from the top of the source: augur < sql_examples/08_language_model.sql

-- This model is small, made by tests/language/icl/train.py. It knows nothing of the task but what its
-- prompt shows. One of a model hub is deployed in the same way: FROM 'HuggingFaceTB/SmolLM2-360M-Instruct'.
CREATE MODEL llm FROM 'tests/language/icl/model';

-- Messages to a town hall, and the team that answered: those from 301 on are new.
CREATE TABLE messages AS FROM 'sql_examples/town_messages.csv';
CREATE TABLE answered AS FROM messages WHERE id <= 300;
CREATE INDEX seen ON answered USING HNSW (message);

SELECT message, predict('team', message USING MODEL llm USING INDEX seen TOP 8) AS predicted, team
FROM messages WHERE id BETWEEN 301 AND 305 ORDER BY id;

-- Change one clause, and see what it gives.
SELECT rung, round(accuracy, 1) AS accuracy
FROM (EVALUATE team USING MODEL llm OPTIONS (labels = ['red', 'blue', 'green', 'white', 'black', 'grey',
                                                       'pink', 'gold', 'silver', 'brown', 'violet', 'orange']),
               team USING MODEL llm USING INDEX seen TOP 8 RANDOM,
               team USING MODEL llm USING INDEX seen TOP 8
      GIVEN FROM messages WHERE id > 300);

-- The examples that an answer rests on.
UNPIVOT (SELECT e.rows[1].text AS first, e.rows[1].label AS first_team, e.rows[2].text AS second, e.rows[2].label AS second_team
FROM (SELECT predict('team', message USING MODEL llm USING INDEX seen TOP 2 WITH EXPLANATION).explanation AS e
      FROM messages WHERE id = 301)) ON *;

-- Whatever the model is like, an answer has the type that was asked for.
SELECT typeof(prompt('Which teams? {message}' USING MODEL llm RETURNS STRUCT(teams ENUM('red', 'blue')[], urgent BOOLEAN))) AS answered
FROM messages WHERE id = 301;
