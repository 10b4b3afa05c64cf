-- name: copy_rows
COPY claimwatch.quarantine (file_id, row_number, raw, reasons) FROM STDIN (FORMAT csv);

-- name: delete_rows
DELETE FROM claimwatch.quarantine WHERE file_id = %(file_id)s;

-- name: list_rows
SELECT row_number, raw, reasons FROM claimwatch.quarantine
WHERE file_id = %(file_id)s
ORDER BY row_number;

-- name: most_frequent_reasons
SELECT reason ->> 'column' AS column_name, reason ->> 'rule' AS rule, count(*) AS rows,
       min(reason ->> 'message') AS example
FROM claimwatch.quarantine, jsonb_array_elements(reasons) AS reason
WHERE file_id = %(file_id)s
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT %(limit)s;
