-- What a training found and a person has to judge before its model goes live.

ALTER TABLE claimwatch.model_version ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]'
    CHECK (jsonb_typeof(warnings) = 'array');
COMMENT ON COLUMN claimwatch.model_version.warnings IS
    'A list of objects with kind, column and found; empty for models that were trained before it was added.';
