//! The server's own secrets, made at the first start.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::base::replace_file;
use crate::portal::Logbook;
use crate::tlog::{Kind, Signer};

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

/// The keys that the log is signed with and others' are witnessed with, and its name. That is
/// made of `public_url` at the first start and stays: whoever holds a checkpoint knows the log
/// by it.
pub(super) fn logbook(folder: &Path, public_url: Option<&str>) -> anyhow::Result<Logbook> {
    let (log, witness) = (load_or_make(folder, "log.key")?, load_or_make(folder, "witness.key")?);
    let path = folder.join("log.origin");
    let host = match std::fs::read_to_string(&path) {
        Ok(host) => host.trim().to_owned(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let host = public_url.and_then(|url| url.split_once("://")).map(|(_, host)| host.to_owned());
            let host = match host {
                Some(host) => host.trim_end_matches('/').to_owned(),
                None => {
                    let key = Signer::new("log", log)?.verifier(Kind::Own).to_string();
                    format!("yuanjiao-{}", key.split('+').nth(1).unwrap_or_default())
                }
            };
            replace_file(&path, host.as_bytes()).with_context(|| path.display().to_string())?;
            host
        }
        Err(e) => return Err(e).with_context(|| path.display().to_string()),
    };
    let named = |name: &str, key| {
        Signer::new(&format!("{host}/{name}"), key).with_context(|| format!("the name in {}", path.display()))
    };
    Ok(Logbook { log: named("log", log)?, witness: named("witness", witness)? })
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
