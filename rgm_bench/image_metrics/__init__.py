"""FID, inception score, KID, precision and recall of any images against any reference.

The same numbers under the same names as studies have, but outside a study: of a folder, an array or
a snapshot, against a data set, a folder or an array. Nothing is written but the cache of reference
features.
"""
