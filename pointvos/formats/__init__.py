"""What lies on disk: DAVIS and YouTube-VOS folders, Point-VOS records, point images."""
