-- The columns that a training kept out of its model because they look like a leak, shown at the prompt.

ALTER TABLE claimwatch.model_version ADD COLUMN refused_columns jsonb NOT NULL DEFAULT '{}'
    CHECK (jsonb_typeof(refused_columns) = 'object');
COMMENT ON COLUMN claimwatch.model_version.refused_columns IS
    'The reason for each refused column; empty for models that were trained before it was added.';
