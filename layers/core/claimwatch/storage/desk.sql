-- The functions of the database that the desk calls (migrations 0033 to 0039). They have one signature; {function} is one of
-- a fixed list.

-- name: ask
SELECT outcome, document
FROM claimwatch.{function}(%(asked)s::jsonb, %(actor)s::text, %(groups)s::text[], %(purpose)s::text, %(request_id)s::text);
