"""Bytes to a picture, once for all: what is judged, released, checked and trained on opens through here.

``sniffing`` says what bytes are; ``opening`` opens them, mends what browsers overlook, tells which way up the picture is, and why other
readers would stumble; ``rgb`` makes 8-bit RGB of any mode. Over these lie the small picture that is inspected (``decoding``), the whole
one that is trained on (``loading``), the form that can be released (``normal_form``) and ``thumbnails``.
"""
