//! Records of devices that had no line, as they come: over the line, or in a file on a stick.

use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::base::{SessionId, Titles};
use crate::evidence::{BadChain, Link};
use crate::store::{KnownChain, StoreError};

use super::state::Portal;

/// The largest text of chains, bytes: a season of evenings.
pub const LARGEST_RECORD: usize = 16 << 20;
/// Most chains in one text.
const CHAINS: usize = 100;
/// Texts whose signatures are looked at at once: it fills a processor.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// What became of one chain.
#[derive(Debug)]
pub(super) struct Told {
    /// Its name, as it came.
    pub(super) chain: String,
    /// What was played; empty where nobody knows it.
    pub(super) title: Titles,
    /// How many links came.
    pub(super) links: usize,
    /// What it is worth, ms, or why it is not taken.
    pub(super) sealed_ms: Result<i64, NotTaken>,
}

/// Why a chain is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    /// It was not begun here.
    #[error("this server did not begin it")]
    Unknown,
    /// It was taken before.
    #[error("it was sealed before")]
    Before,
    /// The device is not the site's any more.
    #[error("the enrolment of the terminal that began it was withdrawn")]
    Withdrawn,
    /// It is not what the device wrote.
    #[error(transparent)]
    Bad(BadChain),
}

/// The text is none of chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {0}: expected {{\"chain\": ID}}, then its links, {{\"link\": TEXT, \"sig\": SIGNATURE}}; \
     of {CHAINS} chains at most"
)]
pub(super) struct NotChains(usize);

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Line {
    Chain { chain: String },
    Link(Link),
}

/// The chains of a text: a line that names one, then a line for each of its links.
fn read(text: &[u8]) -> Result<Vec<(String, Vec<Link>)>, NotChains> {
    let mut all: Vec<(String, Vec<Link>)> = Vec::new();
    let lines = text.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    for (n, line) in lines {
        let room = all.len() < CHAINS;
        match (serde_json::from_slice(line), all.last_mut()) {
            (Ok(Line::Chain { chain }), _) if room => all.push((chain, Vec::new())),
            (Ok(Line::Link(link)), Some((_, links))) => links.push(link),
            _ => return Err(NotChains(n + 1)),
        }
    }
    Ok(all)
}

impl Portal {
    /// Seals the chains of a text at `now`, each by itself; what was sealed is on disk.
    pub(super) async fn take_chains(
        &self,
        text: &[u8],
        now: Timestamp,
    ) -> Result<Result<Vec<Told>, NotChains>, StoreError> {
        // It is closed by nobody.
        let _turn = AT_ONCE.acquire().await.map_err(|_| StoreError::Closed)?;
        let chains = match read(text) {
            Ok(chains) => chains,
            Err(error) => return Ok(Err(error)),
        };
        let mut told = Vec::with_capacity(chains.len());
        for (chain, links) in chains {
            let count = links.len();
            let id = SessionId::new(&chain).ok();
            let known = match &id {
                Some(id) => self.store.chain(id).await?,
                None => None,
            };
            let title = known.as_ref().map(|k| k.chain.title.clone()).unwrap_or_default();
            let sealed_ms = match known {
                None => Err(NotTaken::Unknown),
                Some(known) => self.seal(known, links, now).await?,
            };
            told.push(Told { chain, title, links: count, sealed_ms });
        }
        Ok(Ok(told))
    }

    async fn seal(
        &self,
        KnownChain { chain, sealed: before }: KnownChain,
        links: Vec<Link>,
        now: Timestamp,
    ) -> Result<Result<i64, NotTaken>, StoreError> {
        if !self.desk.registry.load().terminals.contains_key(&chain.terminal) {
            return Ok(Err(NotTaken::Withdrawn));
        }
        // Thousands of signatures take a while. Nothing else is sealed meanwhile.
        let (id, last) = (chain.id.clone(), before.clone());
        let sealed = tokio::task::spawn_blocking(move || chain.seal(&links, last.as_ref(), now)).await;
        let (record, part) = match sealed.map_err(|_| StoreError::Closed)? {
            Ok(sealed) => sealed,
            Err(BadChain::Known) => return Ok(Err(NotTaken::Before)),
            Err(bad) => return Ok(Err(NotTaken::Bad(bad))),
        };
        let ms = record.totals.sealed_ms;
        let first = self.store.seal_chain(id, (before, part), record).await?;
        Ok(if first { Ok(ms) } else { Err(NotTaken::Before) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_chains_one_after_another() {
        let text = b"{\"chain\":\"a\"}\n{\"link\":\"1\",\"sig\":\"x\"}\r\n\n{\"chain\":\"b\"}\n";
        let read_ = read(text).expect("chains");
        assert_eq!(
            read_.iter().map(|(id, links)| (&**id, links.len())).collect::<Vec<_>>(),
            [("a", 1), ("b", 0)]
        );
        assert_eq!(read(b"").expect("nothing").len(), 0);
        assert_eq!(read(b"{\"link\":\"1\",\"sig\":\"x\"}\n"), Err(NotChains(1)), "of no chain");
        assert_eq!(read(b"{\"chain\":\"a\"}\nholiday pictures\n"), Err(NotChains(2)));
    }
}
