-- A request that found the model live already must find that again, too, when it comes a second time: somebody else
-- may have promoted another model in between, and it would undo that.
CREATE TABLE claimwatch.request_without_change (
    request_id text        PRIMARY KEY,
    version    text        NOT NULL,
    asked_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE claimwatch.request_without_change IS 'Requests for a model to go live that was live already.';
