"""Data contracts: the model, the ODCS reader, drafts, and the schema changes that a contract implies."""
