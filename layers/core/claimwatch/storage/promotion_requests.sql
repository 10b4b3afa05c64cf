-- Requests of the desk to change what is live.

-- name: find
SELECT r.request_id, r.line, r.action, r.version, r.role, r.why, r.trust, r.as_of, r.by, r.at, e.outcome
FROM claimwatch.promotion_request AS r
LEFT JOIN claimwatch.promotion_request_end AS e ON e.request_id = r.request_id
WHERE r.request_id = %(request_id)s;

-- name: end
INSERT INTO claimwatch.promotion_request_end (request_id, outcome, because)
VALUES (%(request_id)s, %(outcome)s, %(because)s)
ON CONFLICT (request_id) DO NOTHING;
