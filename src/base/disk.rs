//! How full disks are.

use std::path::Path;

/// Bytes of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Free, for this process.
    pub free: u64,
    /// All.
    pub all: u64,
}

impl DiskSpace {
    /// Of the disk that `folder` lies on; none where that cannot be told. A disk
    /// that hangs holds up the caller: ask away from the runtime's threads.
    pub fn of(folder: &Path) -> Option<Self> {
        let disk = nix::sys::statvfs::statvfs(folder).ok()?;
        let unit = disk.fragment_size();
        Some(Self { free: unit * disk.blocks_available(), all: unit * disk.blocks() })
    }
}
