-- Photos of damage.

-- name: lock_photo
-- Locks an object version until the transaction ends, so that it is either stored or refused, never both.
SELECT pg_advisory_xact_lock(7010003, hashtext(%(bucket)s || '/' || %(key)s || '/' || %(version_id)s));

-- name: find_version
-- The number of the stored photo, the reason of the refusal, and whether the version was permanently deleted.
SELECT (SELECT image_id FROM claimwatch.claim_image
        WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s),
       (SELECT reason FROM claimwatch.image_rejected
        WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s),
       EXISTS (SELECT FROM claimwatch.image_deletion
               WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s AND permanent);

-- name: add
INSERT INTO claimwatch.claim_image (event_id, bucket, key, version_id, sequencer, sha256, phash, gradients, format,
                                    width, height, frames, taken_at, taken_at_local, latitude, longitude, size_bytes,
                                    display, thumbnail, received_at)
VALUES (%(event_id)s, %(bucket)s, %(key)s, %(version_id)s, %(sequencer)s, %(sha256)s, %(phash)s,
        %(gradients)s::bit(1024), %(format)s, %(width)s, %(height)s, %(frames)s, %(taken_at)s, %(taken_at_local)s,
        %(latitude)s, %(longitude)s, %(size_bytes)s, %(display)s, %(thumbnail)s, %(received_at)s)
ON CONFLICT (bucket, key, version_id) DO NOTHING
RETURNING image_id;

-- name: reject
INSERT INTO claimwatch.image_rejected (event_id, bucket, key, version_id, reason, received_at)
VALUES (%(event_id)s, %(bucket)s, %(key)s, %(version_id)s, %(reason)s, %(received_at)s)
ON CONFLICT (bucket, key, version_id) DO NOTHING;

-- name: search_alone
-- Locks the search until the transaction ends. It runs between insert and search: of two similar photos that arrive
-- together, the second to take the lock finds the first.
SELECT pg_advisory_xact_lock(7010004);

-- name: candidates
-- Of thousands of similar hashes, as documents on one letterhead have them, the gradients tell the likely copies.
WITH alike AS (
    SELECT image_id, bit_count((phash # %(phash)s)::bit(64)) AS distance FROM claimwatch.claim_image
    WHERE band_1 = ANY(%(band_1)s::smallint[]) AND bit_count((phash # %(phash)s)::bit(64)) <= %(most)s
    UNION
    SELECT image_id, bit_count((phash # %(phash)s)::bit(64)) FROM claimwatch.claim_image
    WHERE band_2 = ANY(%(band_2)s::smallint[]) AND bit_count((phash # %(phash)s)::bit(64)) <= %(most)s
    UNION
    SELECT image_id, bit_count((phash # %(phash)s)::bit(64)) FROM claimwatch.claim_image
    WHERE band_3 = ANY(%(band_3)s::smallint[]) AND bit_count((phash # %(phash)s)::bit(64)) <= %(most)s
    UNION
    SELECT image_id, bit_count((phash # %(phash)s)::bit(64)) FROM claimwatch.claim_image
    WHERE band_4 = ANY(%(band_4)s::smallint[]) AND bit_count((phash # %(phash)s)::bit(64)) <= %(most)s
),
earlier AS (
    SELECT o.image_id, o.event_id, alike.distance,
           bit_count(o.gradients # %(gradients)s::bit(1024)) AS differing
    FROM alike JOIN claimwatch.claim_image AS o ON o.image_id = alike.image_id
    WHERE o.event_id <> %(event_id)s
)
(SELECT image_id, event_id, distance FROM earlier WHERE differing IS NOT NULL
 ORDER BY differing, distance, image_id LIMIT %(limit)s)
UNION ALL
(SELECT image_id, event_id, distance FROM earlier WHERE differing IS NULL
 ORDER BY distance, image_id LIMIT %(limit)s);

-- name: thumbnails
SELECT image_id, thumbnail FROM claimwatch.claim_image WHERE image_id = ANY(%(image_ids)s);

-- name: add_matches
INSERT INTO claimwatch.image_match (image_id, other_image_id, event_id, other_event_id, distance, differing_blocks)
SELECT greatest(%(image_id)s, other), least(%(image_id)s, other),
       CASE WHEN other < %(image_id)s THEN %(event_id)s ELSE other_event END,
       CASE WHEN other < %(image_id)s THEN other_event ELSE %(event_id)s END,
       distance, blocks
FROM unnest(%(others)s::bigint[], %(other_events)s::text[], %(distances)s::smallint[], %(blocks)s::smallint[])
     AS found (other, other_event, distance, blocks)
ON CONFLICT DO NOTHING;

-- name: add_deletion
INSERT INTO claimwatch.image_deletion (bucket, key, version_id, sequencer, deleted_at, permanent)
VALUES (%(bucket)s, %(key)s, %(version_id)s, %(sequencer)s, %(deleted_at)s, %(permanent)s)
ON CONFLICT DO NOTHING;

-- name: photos_of_event
-- Every version, the current versions first.
SELECT i.image_id, i.key, i.version_id, state.state, i.format, i.width, i.height, i.frames, i.size_bytes, i.sha256,
       i.phash, i.taken_at, i.taken_at_local, i.latitude, i.longitude, i.received_at
FROM claimwatch.claim_image AS i
CROSS JOIN LATERAL (
    SELECT CASE WHEN EXISTS (SELECT FROM claimwatch.current_claim_image AS c WHERE c.image_id = i.image_id)
                THEN 'current'
                WHEN EXISTS (SELECT FROM claimwatch.kept_claim_image AS k WHERE k.image_id = i.image_id)
                THEN 'replaced'
                ELSE 'deleted' END AS state
) AS state
WHERE i.event_id = %(event_id)s
ORDER BY state.state <> 'current', i.received_at, i.sequencer, i.image_id;

-- name: display_copy
SELECT display FROM claimwatch.claim_image WHERE image_id = %(image_id)s;

-- name: matches_of_event
-- image_id is always the photo of this event, whichever of the two came first.
SELECT image_id, other_event_id AS event_id, other_image_id, distance, differing_blocks, found_at
FROM claimwatch.image_match WHERE event_id = %(event_id)s
UNION ALL
SELECT other_image_id, event_id, image_id, distance, differing_blocks, found_at
FROM claimwatch.image_match WHERE other_event_id = %(event_id)s
ORDER BY 1, 4, 3;

-- name: refused_of_event
SELECT key, version_id, reason, received_at
FROM claimwatch.image_rejected
WHERE event_id = %(event_id)s
ORDER BY received_at, rejected_id;

-- name: counts
SELECT (SELECT count(*) FROM claimwatch.claim_image) AS stored,
       (SELECT count(*) FROM claimwatch.current_claim_image) AS current,
       (SELECT count(*) FROM claimwatch.image_rejected) AS refused,
       (SELECT count(*) FROM claimwatch.image_match) AS reused_pairs;

-- name: refused_by_reason
SELECT reason, count(*) AS photos
FROM claimwatch.image_rejected
GROUP BY reason
ORDER BY photos DESC, reason
LIMIT %(limit)s;

-- name: recent_matches
SELECT m.event_id, m.other_event_id, m.distance, m.differing_blocks, i.key, o.key AS other_key, m.found_at
FROM claimwatch.image_match AS m
JOIN claimwatch.claim_image AS i ON i.image_id = m.image_id
JOIN claimwatch.claim_image AS o ON o.image_id = m.other_image_id
ORDER BY m.found_at DESC, m.image_id DESC, m.distance, m.other_image_id
LIMIT %(limit)s;
