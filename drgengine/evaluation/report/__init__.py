"""The annual report (年度评价报告): one HTML file that needs no network."""
