"""The offline reader: container → link layer → packets as columns → flows → flow table, vectorised over batches."""
