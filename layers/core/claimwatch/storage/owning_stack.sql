-- The stack that a database belongs to.

-- name: has_settings
SELECT to_regclass('claimwatch.setting') IS NOT NULL;

-- name: find_stack
SELECT value FROM claimwatch.setting WHERE name = 'stack';

-- name: keep_stack
INSERT INTO claimwatch.setting (name, value) VALUES ('stack', %(stack)s) ON CONFLICT (name) DO NOTHING;
