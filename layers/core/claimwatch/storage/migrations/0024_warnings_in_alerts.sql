-- The watchdog sends the alert of a training that could not send it; the alert counts the warnings of the model.

GRANT SELECT (warnings) ON claimwatch.model_version TO claimwatch_dispatch;
