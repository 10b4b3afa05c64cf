-- name: files_with_rows
-- Files that are loaded or being loaded, in order.
SELECT file_id FROM claimwatch.file
WHERE dataset = %(dataset)s AND line = %(line)s AND chunks > 0
ORDER BY file_id;
