//! The server's own secrets, made at the first start.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::base::{Clock, Shutdown, replace_file};
use crate::evidence::TicketKeys;
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

/// A ticket's key signs for so long.
const SIGNS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// And verifies for so long after: longer than any ticket is good.
const VERIFIES: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The keys of tickets: `ticket.key` signs; those it took the place of, `ticket.SECOND.key` by
/// when that was, verify until their last ticket is over. One that has signed for thirty days is
/// replaced.
pub(super) fn tickets(folder: &Path, now: Timestamp) -> anyhow::Result<TicketKeys> {
    let path = folder.join("ticket.key");
    let mut keys = Vec::new();
    let made = std::fs::metadata(&path).and_then(|m| m.modified()).ok();
    let made = made.and_then(|at| Timestamp::try_from(at).ok());
    if made.is_some_and(|made| now.duration_since(made) > SIGNS) {
        let aside = folder.join(format!("ticket.{}.key", now.as_second()));
        std::fs::rename(&path, &aside).with_context(|| format!("putting {} aside", path.display()))?;
    }
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut replaced: Vec<(i64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let second = path.file_name()?.to_str()?.strip_prefix("ticket.")?.strip_suffix(".key")?;
            Some((second.parse().ok()?, path.clone()))
        })
        .collect();
    replaced.sort_unstable();
    for (second, path) in replaced {
        if now.as_second() - second > VERIFIES.as_secs() {
            std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
            continue;
        }
        keys.push(load_or_make(folder, &path.file_name().unwrap_or_default().to_string_lossy())?);
    }
    let others: Vec<u8> = keys.iter().map(number).collect();
    let is_new = !path.exists();
    let mut current = load_or_make(folder, "ticket.key")?;
    // One in 256 is numbered like another: it has signed nothing yet.
    while others.contains(&number(&current)) {
        std::fs::remove_file(&path)?;
        current = load_or_make(folder, "ticket.key")?;
    }
    if is_new {
        // Its age counts by our clock.
        let since_epoch = std::time::UNIX_EPOCH + Duration::from_secs(now.as_second().max(0) as u64);
        let file = std::fs::File::options().write(true).open(&path);
        file.and_then(|f| f.set_modified(since_epoch)).with_context(|| path.display().to_string())?;
    }
    keys.push(current);
    Ok(TicketKeys::new(keys.into_iter().map(|key| (number(&key), key)).collect())?)
}

/// What a ticket calls its key: a byte of a hash of it.
fn number(key: &[u8; 32]) -> u8 {
    Sha256::digest(key)[0]
}

/// Replaces the tickets' key when its time has come, until `stop`.
pub(super) async fn keep_tickets(
    folder: PathBuf,
    keys: Arc<ArcSwap<TicketKeys>>,
    clock: Arc<dyn Clock>,
    stop: Shutdown,
) {
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(Duration::from_secs(3600)) => {}
        }
        match tickets(&folder, clock.now()) {
            Ok(now) => keys.store(Arc::new(now)),
            Err(error) => tracing::error!(%error, "the keys of tickets stay as they are"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ChannelId, SessionId};
    use crate::evidence::{Item, Ticket, TicketError};

    #[test]
    fn a_ticket_outlives_its_key_but_not_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let begun =
            Timestamp::try_from(std::fs::metadata(folder.path()).expect("it").modified().expect("when"));
        let begun = begun.expect("an instant");
        let day = |n: i64| begun + SignedDuration::from_hours(24 * n);
        let ticket = Ticket {
            session: SessionId::new("s1").expect("an id"),
            site: None,
            terminal: None,
            item: Item::Channel(ChannelId::new("xiangtu").expect("an id")),
            expires: Timestamp::from_second(day(1000).as_second()).expect("an instant"),
        };
        let keys = |n| tickets(folder.path(), day(n)).expect("keys");
        let first = keys(0).sign(&ticket);
        assert_eq!(keys(29).sign(&ticket), first, "the same key signs for a month");
        let second = keys(32).sign(&ticket);
        assert_ne!(second, first);
        let both = keys(40);
        assert_eq!(both.verify(&first, day(40)), Ok(ticket.clone()));
        assert_eq!(both.verify(&second, day(40)), Ok(ticket.clone()));
        let later = keys(50);
        assert!(matches!(later.verify(&first, day(50)), Err(TicketError::UnknownKey(_))));
        assert_eq!(std::fs::read_dir(folder.path()).expect("it").count(), 1, "what signs no more is gone");
    }

    #[test]
    fn a_log_keeps_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = |url| logbook(folder.path(), url).expect("keys").log.name().to_owned();
        assert_eq!(name(Some("https://tv.county.example/")), "tv.county.example/log");
        assert_eq!(name(Some("https://another.example")), "tv.county.example/log");
        assert_eq!(name(None), "tv.county.example/log");
        let other = tempfile::tempdir().expect("a folder");
        let unnamed = logbook(other.path(), None).expect("keys");
        assert!(unnamed.log.name().starts_with("yuanjiao-") && unnamed.log.name().ends_with("/log"));
    }
}
