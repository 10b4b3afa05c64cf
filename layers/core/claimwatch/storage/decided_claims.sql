-- Decided claims with their main reasons.

-- name: note_outcomes
SELECT claimwatch.note_outcomes(%(file_id)s::bigint);

-- name: note_scores
SELECT claimwatch.note_decided(%(line)s::text, %(claim_ids)s::text[]);
