-- Permissions of people, and the separation of duties. The API changes permissions by functions (see case_api.sql).

-- name: separate_duties
-- Only a change is an event, and it is written with it.
WITH changed AS (
    UPDATE claimwatch.setting SET value = %(separation)s
    WHERE name = 'separation_of_duties' AND value <> %(separation)s
    RETURNING value
)
INSERT INTO claimwatch.access_event (actor, via, action, object, reason, outcome)
SELECT %(actor)s, 'deployment', 'duties.' || value, 'separation_of_duties', 'parameter SeparationOfDuties', 'answered'
FROM changed;
