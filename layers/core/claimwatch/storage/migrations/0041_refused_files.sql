-- Files of SFTP servers that cannot be pulled, so that they do not keep others waiting.

ALTER TABLE claimwatch.source_window ADD COLUMN refusal text;
COMMENT ON COLUMN claimwatch.source_window.refusal IS
    'Why a file could not be pulled. The next execution tries it again.';
