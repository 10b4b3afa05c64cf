-- A second look at photos with similar hashes: documents on one letterhead have them, and are not the same picture.

ALTER TABLE claimwatch.claim_image ADD COLUMN gradients bit(1024);
COMMENT ON COLUMN claimwatch.claim_image.gradients IS
    'Orders photos with similar hashes by likeness; null for photos that were stored before it was added.';

ALTER TABLE claimwatch.image_match ADD COLUMN differing_blocks smallint CHECK (differing_blocks >= 0);
COMMENT ON COLUMN claimwatch.image_match.differing_blocks IS
    'Blocks in which the two pictures differ; null for matches that were found by their hashes alone.';

-- The thumbnails of the candidates are compared.
GRANT SELECT (gradients, thumbnail) ON claimwatch.claim_image TO claimwatch_photos;
