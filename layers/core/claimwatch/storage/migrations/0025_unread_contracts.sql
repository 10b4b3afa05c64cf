-- Protected columns cannot be compared if the contract of one of the models cannot be read.

ALTER TABLE claimwatch.promotion ADD COLUMN unread_contracts text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN claimwatch.promotion.unread_contracts IS
    'Contract versions that could not be read at that moment, so that no_longer_protected is not known.';
