//! Write a file whole or not at all: a new file beside the target, flushed to the disk, then renamed over it.
//!
//! Whoever reads the target sees the old file or the new one, whatever happens in between. The mode of a file that is replaced is kept; a symbolic link
//! keeps pointing where it points.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Replace the file at `path` by one that holds `data`.
pub(crate) fn write(path: &Path, data: &[u8]) -> Result<()> {
    replace(path, data).map_err(|error| Error::io(path.to_string_lossy(), &error))
}

fn replace(path: &Path, data: &[u8]) -> io::Result<()> {
    let target = target_of(path);
    let unguessable = RandomState::new().hash_one(path);
    let mut beside = target.clone().into_os_string();
    beside.push(format!(".{}-{unguessable:016x}.tmp", std::process::id()));
    let written = write_through(Path::new(&beside), data)
        .and_then(|()| fs::metadata(&target).map_or(Ok(()), |old| fs::set_permissions(&beside, old.permissions())))
        .and_then(|()| fs::rename(&beside, &target));
    if let (Err(error), true) = (&written, Path::new(&beside).exists()) {
        let kind = error.kind();
        fs::remove_file(&beside).or(Err(io::Error::from(kind)))?;
    }
    written
}

/// Where a path points, through links, one to a file that doesn't exist yet included.
fn target_of(path: &Path) -> PathBuf {
    let mut target = path.to_path_buf();
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&target) else { break };
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    target
}

fn write_through(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(data)?;
    file.sync_all()
}
