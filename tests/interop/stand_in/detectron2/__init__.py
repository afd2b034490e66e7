"""The part of detectron2's documented interface that registering a dataset needs.

Written from its documentation, so that what is registered can be tested where detectron2, which has
no release, is not installed.
"""
