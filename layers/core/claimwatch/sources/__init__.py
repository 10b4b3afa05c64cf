"""Sources: claims are pulled from the company's own databases and SFTP servers, window by window."""
