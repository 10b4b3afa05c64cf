-- Values that link claims.

-- name: feed
SELECT claimwatch.feed_links(%(file_id)s::bigint, %(most)s::bigint);
