"""In and out: files of ours and of other products, read into drafts and written from monitors. No store, no network."""
