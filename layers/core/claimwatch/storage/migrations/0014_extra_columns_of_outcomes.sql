-- `claimwatch protect-extra` hashes the unknown columns of outcomes too.
GRANT SELECT (file_id, row_number, extra), UPDATE (extra) ON claimwatch.outcome TO claimwatch_contracts;
