-- Logins: one per task and database.

-- name: lock_logins
-- One deployment at a time changes logins, until the transaction ends.
SELECT pg_advisory_xact_lock(7010006);

-- name: describe_database
-- The name of this database, and whether it is ours.
SELECT d.datname, pg_has_role(d.datdba, 'USAGE') FROM pg_database AS d WHERE d.datname = current_database();

-- name: close_database
-- By default, every login of the server may connect and create temporary tables.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;

-- name: find_login
SELECT rolcreatedb FROM pg_roles WHERE rolname = %(login)s;

-- name: create_login
CREATE ROLE {login} LOGIN;

-- name: forbid_databases
-- Only for a login that has the attribute: an owner without it may not mention it.
ALTER ROLE {login} NOCREATEDB;

-- name: set_password
ALTER ROLE {login} LOGIN NOCREATEROLE PASSWORD %(verifier)s;

-- name: join_role
-- The login itself has no privileges. Its sessions begin as the role, which thereby owns what they create.
GRANT {role} TO {login} WITH INHERIT FALSE, SET TRUE;
ALTER ROLE {login} SET role = {role};

-- name: admit_login
GRANT CONNECT ON DATABASE {database} TO {login};
