"""Recognition of side files: what tools write next to data and nobody wants to hear of."""

import re

_FOLDERS = {
    "_temporary": "Spark and Hadoop",
    "_delta_log": "Delta Lake",
    "_spark_metadata": "Spark",
    "_symlink_format_manifest": "Delta Lake",
    "_impala_insert_staging": "Impala",
    ".hoodie": "Hudi",
    "__macosx": "macOS",
    ".trashes": "macOS",
    ".spotlight-v100": "macOS",
    ".fseventsd": "macOS",
    "$recycle.bin": "Windows",
    "system volume information": "Windows",
    ".git": "Git",
}
_FOLDER_PATTERN = re.compile(r"\.(?:hive|spark|emrfs|s3a?)[-_]?staging.*|\.staging.*", re.IGNORECASE)
_NAMES = tuple(
    (re.compile(pattern, re.IGNORECASE), tool)
    for pattern, tool in (
        (r"_success(?:\.crc)?|_failed", "Spark and Hadoop"),
        (r"_(?:committed|started)_(?:vacuum)?\d*", "Databricks"),
        (r"_(?:common_)?metadata", "Spark (the footers of other Parquet files)"),
        (r".+_\$folder\$", "EMR (an empty folder)"),
        (r".+\._copying_", "HDFS (a transfer that is not complete)"),
        (r".+\.crc", "Hadoop (a check sum)"),
        (r".+\.(?:md5|sha1|sha256|sha512|sfv)|(?:md5|sha1|sha256|sha512)sums?(?:\.txt)?", "a check sum"),
        (r"\.ds_store|\._.*|\.localized|icon\r", "macOS"),
        (r"(?:eh)?thumbs(?:_vista)?\.db|desktop\.ini", "Windows"),
        (r"\.directory|\.nfs[0-9a-f]+", "Linux"),
        (r"\.gitkeep|\.gitignore|\.gitattributes|\.keep", "Git"),
        (r"\.~lock\..+#|~\$.+", "Office (an open document)"),
        (
            r".+\.(?:part|filepart|partial|tmp|crdownload|download|swp|inprogress(?:\..*)?)",
            "a transfer that is not complete",
        ),
        (r"(?:.+[._-])?manifest|manifest\.(?:json|checksum)", "an export (a list of files)"),
        (
            r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.(?:csv|txt)\.metadata|-manifest\.csv)",
            "Athena",
        ),
        (r"version-hint\.text|v\d+\.metadata\.json|\d{5}-[0-9a-f-]{36}\.metadata\.json", "Iceberg"),
        (r"snap-\d+-\d+-[0-9a-f-]{36}\.avro|[0-9a-f-]{36}-m\d+\.avro", "Iceberg"),
        (r"symlink\.txt", "S3 Inventory (a list of files)"),
        (r"aws-programmatic-access-test-object", "AWS (a test whether it may write)"),
    )
)
_SIGNAL = re.compile(
    r".+\.(?:done|ok|ready|trg|trigger|complete|eot|lock)|_?(?:done|ready|ok|complete)", re.IGNORECASE
)
_OF_SYSTEMS = ("macOS", "Windows", "Linux", "Git")


def side_file_of(key: str, size_bytes: int) -> str | None:
    """Return the tool whose side file has this key, or None if it may be data.

    Names decide, and only names that no writer gives to data. A file is not a side file because its name
    begins with an underscore or a dot.
    """
    *folders, name = key.split("/")
    for folder in folders[2:]:  # below the dataset and its line
        tool = _FOLDERS.get(folder.lower())
        if tool is not None or _FOLDER_PATTERN.fullmatch(folder):
            return tool or "Hive and Spark"
    for pattern, tool in _NAMES:
        if pattern.fullmatch(name):
            return tool
    return "a signal that files are complete" if size_bytes == 0 and _SIGNAL.fullmatch(name) else None


def is_side_photo(key: str) -> bool:
    """Return whether a key under ``images/`` is that of a side file of an operating system."""
    return side_file_of(key, 1) in _OF_SYSTEMS
