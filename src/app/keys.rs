//! The server's own secrets, made at the first start.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

/// The key in `folder/name`: 32 random bytes, readable by the server alone.
pub(super) fn load_or_make(folder: &Path, name: &str) -> anyhow::Result<[u8; 32]> {
    let path = folder.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|b: Vec<u8>| {
            anyhow::anyhow!(
                "{}: expected 32 bytes, found {}: restore it from a backup",
                path.display(),
                b.len()
            )
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => make(&path),
        Err(e) => Err(e).with_context(|| path.display().to_string()),
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
    Ok(bytes)
}

fn make(path: &Path) -> anyhow::Result<[u8; 32]> {
    let key = random()?;
    let part = path.with_extension("part");
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(&key)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().with_context(|| format!("making the key {}", path.display()))?;
    Ok(key)
}
