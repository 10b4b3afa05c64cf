-- Exceptions: models that may go live although a gate refused them.

-- name: find
SELECT exception_id, request_id, line, version, gate, bundle_sha256, at, by, caller, why
FROM claimwatch.model_exception WHERE line = %(line)s AND version = %(version)s AND gate = %(gate)s;

-- name: of_line
SELECT exception_id, request_id, line, version, gate, bundle_sha256, at, by, caller, why
FROM claimwatch.model_exception WHERE line = %(line)s ORDER BY exception_id;

-- name: add
INSERT INTO claimwatch.model_exception (request_id, line, version, gate, bundle_sha256, by, caller, why)
VALUES (%(request_id)s, %(line)s, %(version)s, %(gate)s, %(bundle_sha256)s, %(by)s, %(caller)s, %(why)s)
RETURNING exception_id, request_id, line, version, gate, bundle_sha256, at, by, caller, why;
