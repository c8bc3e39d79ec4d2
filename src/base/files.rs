//! Files that are replaced whole, or not at all.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Puts `bytes` in the place of the file at `path`, whose permissions stay.
/// When this returns they are on disk; after a crash before, the old ones are.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    // Hidden, and with an ending that nobody looks for.
    let part = folder.join(format!(".{}.part", name.to_string_lossy()));
    let written = write_part(path, &part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What is left of it is of no use; that it is there is no second error.
        let _ = fs::remove_file(&part);
    }
    written?;
    fs::File::open(folder)?.sync_all()
}

/// Moves the folder `new` to `target`; what stood there is moved to `aside`. They trade
/// names: at no moment is there none. It is on disk when this returns.
pub fn take_place(new: &Path, target: &Path, aside: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    if target.exists() {
        renameat2(AT_FDCWD, new, AT_FDCWD, target, RenameFlags::RENAME_EXCHANGE)?;
        fs::rename(new, aside)?;
    } else {
        fs::rename(new, target)?;
    }
    fs::File::open(target.parent().unwrap_or(target))?.sync_all()
}

/// Moves a file; where the two places are on different disks it is copied, and stays until its
/// copy is whole and on disk.
pub fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            let name = to.file_name().unwrap_or_default().to_string_lossy();
            let part = to.with_file_name(format!(".{name}.part"));
            fs::copy(from, &part)?;
            fs::File::open(&part)?.sync_all()?;
            fs::rename(&part, to)?;
            fs::remove_file(from)
        }
        renamed => renamed,
    }
}

/// The SHA-256 of the file at `path`, hexadecimal; it is read in pieces.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let sum = sha256_while(path, &mut || true)?;
    Ok(sum.unwrap_or_default())
}

/// The same, asking after each MiB whether to go on; none: it was not wanted any more.
pub fn sha256_while(path: &Path, go_on: &mut dyn FnMut() -> bool) -> io::Result<Option<String>> {
    let (mut file, mut sum, mut piece) = (fs::File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Some(hex::encode(sum.finalize()))),
            n => sum.update(&piece[..n]),
        }
        if !go_on() {
            return Ok(None);
        }
    }
}

fn write_part(path: &Path, part: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(part)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("county.toml");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        replace_file(&path, b"new").expect("replaced");
        assert_eq!(fs::read_to_string(&path).expect("read"), "new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "nothing is left beside it");
        assert!(replace_file(&folder.path().join("no/such/place"), b"x").is_err());
    }
}
