"""What the graph materializes: one module for each stage; an asset loads, calls the domain and reports."""
