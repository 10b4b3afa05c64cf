"""What the steps of the pipeline run: `python -m release COMMAND`. Not deployed with the application."""
