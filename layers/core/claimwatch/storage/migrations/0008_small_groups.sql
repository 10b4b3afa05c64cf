-- Findings about groups of fewer than 50 claims named them by their value, which could be a person. They had no verdict.
DELETE FROM claimwatch.evaluation WHERE check_name IN ('bias', 'errors') AND segment <> '' AND n < 50;
