-- The functions of the database that the API calls (migrations 0027, 0031 and 0032). The casts name one function each: the
-- owner of the tables of lines may create others in the schema.

-- name: me
SELECT outcome, document FROM claimwatch.api_me(%(actor)s::text, %(groups)s::text[]);

-- name: claim_status
SELECT outcome, document
FROM claimwatch.api_claim_status(%(line)s::text, %(claim_id)s::text, %(actor)s::text, %(purpose)s::text,
                                 %(request_id)s::text);

-- name: models
SELECT outcome, document
FROM claimwatch.api_models(%(line)s::text, %(actor)s::text, %(purpose)s::text, %(request_id)s::text);

-- name: read_claim
SELECT outcome, document
FROM claimwatch.api_read_claim(%(line)s::text, %(claim_id)s::text, %(unmask)s::boolean, %(actor)s::text,
                               %(groups)s::text[], %(purpose)s::text, %(request_id)s::text);

-- name: audit
SELECT outcome, document
FROM claimwatch.api_audit(%(filters)s::jsonb, %(limit)s::integer, %(actor)s::text, %(groups)s::text[],
                          %(purpose)s::text, %(request_id)s::text);

-- name: permissions
SELECT outcome, document FROM claimwatch.api_permissions(%(actor)s::text, %(purpose)s::text, %(request_id)s::text);

-- name: grant
SELECT outcome, document
FROM claimwatch.api_grant(%(grantee)s::text, %(permission)s::text, %(line)s::text, %(why)s::text, %(actor)s::text,
                          %(purpose)s::text, %(request_id)s::text);

-- name: revoke
SELECT outcome, document
FROM claimwatch.api_revoke(%(grantee)s::text, %(permission)s::text, %(line)s::text, %(why)s::text, %(actor)s::text,
                           %(purpose)s::text, %(request_id)s::text);

-- name: refused
SELECT outcome, document
FROM claimwatch.api_refused(%(action)s::text, %(line)s::text, %(object)s::text, %(actor)s::text, %(via)s::text,
                            %(purpose)s::text, %(request_id)s::text, %(reason)s::text);

-- name: schema
SELECT outcome, document FROM claimwatch.api_schema();
