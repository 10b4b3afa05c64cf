"""The targets of ``make fuzz``."""

from claimwatch.photos.decoder import MEMORY
from tests.fuzz import contracts, files, keys, photos
from tests.fuzz.target import Target

MOST_MEMORY = 900 << 20
"""The functions of the pipeline have 1,769 MB; boto3, the layers and the interpreter's copies need a part."""

TARGETS = {
    target.name: target
    for target in (
        Target("csv", files.csv_file, files.open_files, 1_500, MOST_MEMORY),
        Target("json", files.json_file, files.open_files, 1_500, MOST_MEMORY),
        Target("gzip", files.gzip_file, files.open_files, 600, MOST_MEMORY),
        Target("parquet", files.parquet_file, files.open_files, 1_000, MOST_MEMORY),
        Target("contracts", contracts.contract, contracts.open_contracts, 1_000, MOST_MEMORY),
        Target("keys", keys.event, keys.open_events, 2_000, MOST_MEMORY),
        Target("photos", photos.photo, photos.open_photos, 3_000, MEMORY),
        Target("exif", photos.metadata, photos.open_metadata, 3_000, MOST_MEMORY),
    )
}
