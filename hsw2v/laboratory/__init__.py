"""The laboratory: experiments that compare settings on one corpus."""
