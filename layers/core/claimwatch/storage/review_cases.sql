-- Cases of claims that people review.

-- name: open_cases
SELECT claimwatch.open_cases(%(line)s::text, %(file_id)s::bigint, %(claim_ids)s::text[]);

-- name: settle_cases
SELECT claimwatch.settle_cases(%(file_id)s::bigint);
