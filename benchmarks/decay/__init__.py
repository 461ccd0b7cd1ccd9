"""Two questions about weight decay: does the same total decay make short runs foretell long ones better, and do branches of one trunk."""
