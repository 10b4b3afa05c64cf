-- A score is found by its claim. A file is one line's, so the line adds nothing to the key, and before the claim id it
-- was compared in every step of every search.
ALTER TABLE claimwatch.score DROP CONSTRAINT score_pkey;
ALTER TABLE claimwatch.score ADD PRIMARY KEY (claim_id, file_id, model_version, role);
