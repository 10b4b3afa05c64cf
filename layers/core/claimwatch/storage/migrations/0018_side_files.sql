-- Side files of other tools (_SUCCESS, .DS_Store) are recorded as refused; nobody is notified of them.
ALTER TABLE claimwatch.file ADD COLUMN side_file boolean NOT NULL DEFAULT false;
