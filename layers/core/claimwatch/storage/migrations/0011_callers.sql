-- Names of people are what they write themselves; beside them stands the identity that AWS has verified.

ALTER TABLE claimwatch.promotion ADD COLUMN caller text NOT NULL DEFAULT 'not recorded' CHECK (caller <> '');
COMMENT ON COLUMN claimwatch.promotion.caller IS 'The verified identity of the caller: an ARN.';
COMMENT ON COLUMN claimwatch.promotion.by IS 'The name that the caller wrote.';

ALTER TABLE claimwatch.training ADD COLUMN caller text NOT NULL DEFAULT 'not recorded' CHECK (caller <> '');
COMMENT ON COLUMN claimwatch.training.caller IS 'The verified identity of the caller: an ARN, or ''event bus''.';
COMMENT ON COLUMN claimwatch.training.asked_by IS 'The name that the caller wrote.';
