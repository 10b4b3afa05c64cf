-- A time without a zone is not a time in UTC: it is kept as the camera's clock showed it.

ALTER TABLE claimwatch.claim_image ADD COLUMN taken_at_local timestamp;
COMMENT ON COLUMN claimwatch.claim_image.taken_at IS
    'When the photo was taken, if the camera wrote a time zone. Earlier releases took a time without one as UTC.';
COMMENT ON COLUMN claimwatch.claim_image.taken_at_local IS
    'When the photo was taken by the clock of the camera, whose zone may be unknown.';

CREATE OR REPLACE VIEW claimwatch.kept_claim_image AS
SELECT i.*
FROM claimwatch.claim_image AS i
WHERE NOT EXISTS (
    SELECT FROM claimwatch.image_deletion AS d
    WHERE d.bucket = i.bucket AND d.key = i.key
      AND CASE WHEN d.permanent THEN d.version_id = i.version_id
               ELSE (d.deleted_at, d.sequencer) >= (i.received_at, i.sequencer)
                    AND NOT EXISTS (
                        SELECT FROM claimwatch.image_deletion AS undone
                        WHERE undone.bucket = d.bucket AND undone.key = d.key
                          AND undone.version_id = d.version_id AND undone.permanent
                    )
          END
);

CREATE OR REPLACE VIEW claimwatch.current_claim_image AS
SELECT i.*
FROM claimwatch.kept_claim_image AS i
WHERE NOT EXISTS (
    SELECT FROM claimwatch.kept_claim_image AS n
    WHERE n.bucket = i.bucket AND n.key = i.key
      AND (n.received_at, n.sequencer, n.image_id) > (i.received_at, i.sequencer, i.image_id)
);
