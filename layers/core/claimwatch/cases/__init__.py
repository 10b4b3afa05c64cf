"""The API of people, and of machines that read: claims, models, permissions and the record of who asked."""
