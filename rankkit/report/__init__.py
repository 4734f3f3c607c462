"""Reports: results as text, Markdown, CSV, JSON and self-contained HTML pages."""
