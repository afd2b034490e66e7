"""Point annotations simulated from masks (paper, section 3.1 and appendix A)."""
