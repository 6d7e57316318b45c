"""Patterns in addresses of buckets: the only door to boto3.

`s3://bucket/text/*.zst` names the keys that match it: `*` any characters but a slash, `**` any.
"""

from __future__ import annotations

import re

from hsw2v.errors import MissingInputError, missing_extra, without_credentials

_PATTERN = re.compile(r"s3://(?P<bucket>[^/@]+)/(?P<key>.*\*.*)", re.DOTALL)


def is_key_pattern(address: str) -> bool:
    """Tell whether an address is a pattern of keys; one with credentials is not."""
    return bool(_PATTERN.fullmatch(address)) and without_credentials(address) == address


def matching_keys(pattern: str) -> list[str]:
    """Return the addresses that a pattern matches, sorted.

    Credentials, region and endpoint are those of the environment, as boto3 finds them.

    Raises:
        UsageError: boto3 is not installed.
        MissingInputError: the bucket cannot be listed, or no key matches.
    """
    match = _PATTERN.fullmatch(pattern)
    assert match is not None
    try:
        import boto3
    except ImportError as error:
        what = "patterns in addresses need boto3"
        raise missing_extra(what, "s3", error, where=pattern) from error
    bucket, key = match["bucket"], match["key"]
    try:
        pages = boto3.client("s3").get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=bucket, Prefix=key[: key.index("*")])
        keys = [one["Key"] for page in listed for one in page.get("Contents", ())]
    except Exception as error:
        # Of boto3 and of what it is made of, with families of errors of their own.
        raise MissingInputError(
            f"cannot be listed ({error})", where=pattern, hint="check it and its rights"
        ) from error
    wanted = _expression(key)
    # A key that ends with a slash is a folder.
    found = sorted(one for one in keys if wanted.fullmatch(one) and not one.endswith("/"))
    if not found:
        raise MissingInputError("no key matches the pattern", where=pattern, hint="check it")
    return [f"s3://{bucket}/{one}" for one in found]


def _expression(key: str) -> re.Pattern[str]:
    parts = {"**": ".*", "*": "[^/]*"}
    pieces = re.split(r"(\*\*|\*)", key)
    return re.compile("".join(parts.get(one, re.escape(one)) for one in pieces), re.DOTALL)
