"""Photos: decoding results, EXIF evidence and perceptual hashes."""
