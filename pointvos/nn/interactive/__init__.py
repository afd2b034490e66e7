"""The interactive segmenter: clicks and mouse traces on a frame to masks of all its objects.

The design is DynaMITe's (Rana et al., ICCV 2023) with the trace adaptation of the paper
(Appendix D): every interaction is a query, queries read the frame in a transformer, the frame then
reads the queries, and the mask of an object is the largest of its queries' masks.
"""
