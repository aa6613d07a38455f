"""The AWS answers that Gameday reads itself: one file a service, with the operations and the shapes of their answers.

A shape holds only the keys that are read. A key is required where the reader cannot go on without it; AWS leaves the
others out. Names and types are those of botocore's service models.
"""
