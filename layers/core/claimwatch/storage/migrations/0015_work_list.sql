-- Investigators work on referrals and on the random audit: one index for both.

CREATE INDEX score_to_review ON claimwatch.score (line, file_id) WHERE (referred OR audit_sample) AND role = 'champion';

DROP INDEX claimwatch.score_referred;
