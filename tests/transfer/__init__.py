"""The bytes of disks: downloads, uploads and the files at their ends."""
