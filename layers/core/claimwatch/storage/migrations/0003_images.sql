-- Photos of damage: what was received, refused, deleted, and what is like what.

CREATE TABLE claimwatch.claim_image (
    image_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    text        COLLATE "C" NOT NULL,
    bucket      text        NOT NULL,
    key         text        COLLATE "C" NOT NULL,
    version_id  text        NOT NULL,
    sequencer   text        COLLATE "C" NOT NULL DEFAULT '',
    sha256      text        NOT NULL,
    phash       bigint,
    format      text        NOT NULL,
    width       integer     NOT NULL CHECK (width > 0),
    height      integer     NOT NULL CHECK (height > 0),
    frames      integer     NOT NULL CHECK (frames > 0),
    taken_at    timestamptz,
    latitude    double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude   double precision CHECK (longitude BETWEEN -180 AND 180),
    size_bytes  bigint      NOT NULL,
    display     bytea       STORAGE EXTERNAL NOT NULL,
    thumbnail   bytea       STORAGE EXTERNAL NOT NULL,
    received_at timestamptz NOT NULL,
    -- Of 64 bits in four bands, two hashes that differ in at most 11 bits have a band in which they differ in at
    -- most 2. So 137 values of each band, looked up, find all of them.
    band_1      smallint GENERATED ALWAYS AS (((phash & 65535) - 32768)::smallint) STORED,
    band_2      smallint GENERATED ALWAYS AS (((phash >> 16 & 65535) - 32768)::smallint) STORED,
    band_3      smallint GENERATED ALWAYS AS (((phash >> 32 & 65535) - 32768)::smallint) STORED,
    band_4      smallint GENERATED ALWAYS AS (((phash >> 48 & 65535) - 32768)::smallint) STORED,
    UNIQUE (bucket, key, version_id),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);
COMMENT ON TABLE claimwatch.claim_image IS
    'One row for each object version that is a photo, replaced and deleted ones too: they are evidence.';
COMMENT ON COLUMN claimwatch.claim_image.event_id IS 'The first segment of the key after images/.';
COMMENT ON COLUMN claimwatch.claim_image.sha256 IS 'Of the object as it came, hexadecimal.';
COMMENT ON COLUMN claimwatch.claim_image.phash IS
    'Perceptual hash, 64 bits; none for a picture without structure, which is like nothing.';
COMMENT ON COLUMN claimwatch.claim_image.width IS 'Of the original, upright.';
COMMENT ON COLUMN claimwatch.claim_image.taken_at IS 'What the camera wrote; taken as UTC where it named no zone.';
COMMENT ON COLUMN claimwatch.claim_image.display IS 'JPEG, upright, its longest side at most 1024, without metadata.';
COMMENT ON COLUMN claimwatch.claim_image.thumbnail IS 'JPEG, as display, 256.';
COMMENT ON COLUMN claimwatch.claim_image.received_at IS
    'When S3 received the object; orders the versions of a key, with sequencer and image_id.';
CREATE INDEX claim_image_by_event ON claimwatch.claim_image (event_id);
-- With what the search asks for, so that it reads the indexes alone where their pages are vacuumed.
CREATE INDEX claim_image_by_band_1 ON claimwatch.claim_image (band_1) INCLUDE (phash, image_id);
CREATE INDEX claim_image_by_band_2 ON claimwatch.claim_image (band_2) INCLUDE (phash, image_id);
CREATE INDEX claim_image_by_band_3 ON claimwatch.claim_image (band_3) INCLUDE (phash, image_id);
CREATE INDEX claim_image_by_band_4 ON claimwatch.claim_image (band_4) INCLUDE (phash, image_id);

CREATE TABLE claimwatch.image_rejected (
    rejected_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    text        COLLATE "C",
    bucket      text        NOT NULL,
    key         text        COLLATE "C" NOT NULL,
    version_id  text        NOT NULL,
    reason      text        NOT NULL,
    received_at timestamptz NOT NULL,
    UNIQUE (bucket, key, version_id)
);
COMMENT ON TABLE claimwatch.image_rejected IS 'One row for each object version under images/ that was refused.';
COMMENT ON COLUMN claimwatch.image_rejected.event_id IS 'None if the key names none.';
CREATE INDEX image_rejected_by_event ON claimwatch.image_rejected (event_id);

CREATE TABLE claimwatch.image_match (
    image_id       bigint      NOT NULL REFERENCES claimwatch.claim_image,
    other_image_id bigint      NOT NULL REFERENCES claimwatch.claim_image,
    event_id       text        COLLATE "C" NOT NULL,
    other_event_id text        COLLATE "C" NOT NULL,
    distance       smallint    NOT NULL CHECK (distance BETWEEN 0 AND 64),
    found_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (image_id, other_image_id),
    CHECK (image_id > other_image_id),
    CHECK (event_id <> other_event_id)
);
COMMENT ON TABLE claimwatch.image_match IS
    'Pairs of photos that are the same or nearly the same picture, under different event ids.';
COMMENT ON COLUMN claimwatch.image_match.distance IS 'Bits in which the two perceptual hashes differ.';
CREATE INDEX image_match_by_other_image ON claimwatch.image_match (other_image_id);
CREATE INDEX image_match_by_event ON claimwatch.image_match (event_id);
CREATE INDEX image_match_by_other_event ON claimwatch.image_match (other_event_id);
CREATE INDEX image_match_by_time ON claimwatch.image_match (found_at);

CREATE TABLE claimwatch.image_deletion (
    bucket     text        NOT NULL,
    key        text        COLLATE "C" NOT NULL,
    version_id text        NOT NULL,
    sequencer  text        COLLATE "C" NOT NULL DEFAULT '',
    deleted_at timestamptz NOT NULL,
    permanent  boolean     NOT NULL,
    PRIMARY KEY (bucket, key, version_id, permanent)
);
COMMENT ON TABLE claimwatch.image_deletion IS
    'Deletions of objects under images/. What was seen stays; the views no longer show it.';
COMMENT ON COLUMN claimwatch.image_deletion.version_id IS
    'If permanent, the version that was deleted, a delete marker too; else the delete marker.';

CREATE VIEW claimwatch.kept_claim_image AS
SELECT i.*
FROM claimwatch.claim_image AS i
WHERE NOT EXISTS (
    SELECT FROM claimwatch.image_deletion AS d
    WHERE d.bucket = i.bucket AND d.key = i.key
      AND CASE WHEN d.permanent THEN d.version_id = i.version_id
               ELSE (d.deleted_at, d.sequencer) >= (i.received_at, i.sequencer)
                    -- A delete marker that was deleted itself hides nothing any more.
                    AND NOT EXISTS (
                        SELECT FROM claimwatch.image_deletion AS undone
                        WHERE undone.bucket = d.bucket AND undone.key = d.key
                          AND undone.version_id = d.version_id AND undone.permanent
                    )
          END
);
COMMENT ON VIEW claimwatch.kept_claim_image IS 'Every version of every photo that S3 still has and no delete marker hides.';

CREATE VIEW claimwatch.current_claim_image AS
SELECT i.*
FROM claimwatch.kept_claim_image AS i
WHERE NOT EXISTS (
    SELECT FROM claimwatch.kept_claim_image AS n
    WHERE n.bucket = i.bucket AND n.key = i.key
      AND (n.received_at, n.sequencer, n.image_id) > (i.received_at, i.sequencer, i.image_id)
);
COMMENT ON VIEW claimwatch.current_claim_image IS 'The newest version of each photo that is not deleted.';
