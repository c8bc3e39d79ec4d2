//! The log of evidence for machines: `/log/…` (C2SP tlog-tiles, tlog-witness).

use hyper::{StatusCode, header};
use jiff::Timestamp;

use crate::tlog::{
    AddCheckpoint, Answer, Checkpoint, Kind, Note, Signer, TilePath, WIDTH, leaf_hash, witness,
};

use super::reply::{Reply, problem};
use super::state::Portal;

/// The keys of the log, each with its name.
#[derive(Debug)]
pub struct Logbook {
    /// Signs the checkpoints.
    pub log: Signer,
    /// Signs what is seen of others' logs.
    pub witness: Signer,
}

/// What `/log/entry/<no>` says.
#[derive(Debug, serde::Serialize)]
struct Proved {
    no: u64,
    /// The entry, to be read.
    says: Option<serde_json::Value>,
    /// The same as it is hashed.
    leaf: String,
    hash: String,
    /// From the leaf up.
    path: Vec<String>,
    checkpoint: String,
}

const TEXT: &str = "text/plain; charset=utf-8";
/// What an address of a tile names never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

impl Portal {
    /// What stands at `/log/<path>`.
    pub async fn log(&self, path: &str) -> Reply {
        let lines = |key: String| Reply::ok(TEXT, key + "\n").cached("public, max-age=3600");
        match path {
            "checkpoint" => match self.store.checkpoint().await {
                Ok(Some((_, note))) => Reply::ok(TEXT, note).cached("public, max-age=2"),
                Ok(None) => nothing("the log has no entry yet: it begins when a playback has ended"),
                Err(error) => ours(&error),
            },
            "key" => lines(self.logbook.log.verifier(Kind::Own).to_string()),
            "witness-key" => lines(self.logbook.witness.verifier(Kind::Cosignature).to_string()),
            _ => match (path.strip_prefix("tile/").and_then(TilePath::parse), path.strip_prefix("entry/")) {
                (Some(tile), _) => self.tile(tile).await,
                (None, Some(no)) => self.log_entry(no).await,
                (None, None) => {
                    nothing("expected /log/checkpoint, /log/key, /log/entry/NUMBER or /log/tile/LEVEL/INDEX")
                }
            },
        }
    }

    /// An entry with what proves it to whoever has the key: its hash (RFC 6962 section 2.1 of
    /// `leaf`, byte for byte) and audit path lead to the root of the checkpoint.
    async fn log_entry(&self, no: &str) -> Reply {
        let Ok(no) = no.parse::<u64>() else { return nothing("expected /log/entry/NUMBER") };
        let (size, checkpoint) = match self.store.checkpoint().await {
            Ok(Some(newest)) => newest,
            Ok(None) => return nothing("the log has no entry yet: it begins when a playback has ended"),
            Err(error) => return ours(&error),
        };
        match self.store.log_leaf(no, size).await {
            Ok(Some((leaf, path))) => Reply::json(&Proved {
                no,
                says: serde_json::from_str(&leaf).ok(),
                hash: hex::encode(leaf_hash(leaf.as_bytes())),
                leaf,
                path: path.iter().map(hex::encode).collect(),
                checkpoint,
            }),
            Ok(None) => nothing("no checkpoint has this entry (yet)"),
            Err(error) => ours(&error),
        }
    }

    async fn tile(&self, path: TilePath) -> Reply {
        let size = match self.store.checkpoint().await {
            Ok(newest) => newest.map_or(0, |(size, _)| size),
            Err(error) => return ours(&error),
        };
        let (level, index, width) = match path {
            TilePath::Hashes(id, width) => (id.level, id.index, width),
            TilePath::Entries(index, width) => (0, index, width),
        };
        // What no checkpoint speaks of is not shown: it could still be taken back by a crash.
        let signed = size.checked_shr(8 * level).unwrap_or(0);
        let end = index.checked_mul(WIDTH as u64).and_then(|first| first.checked_add(width as u64));
        if end.is_none_or(|end| end > signed) {
            return nothing("the log is not that long");
        }
        let bytes = match path {
            TilePath::Hashes(id, width) => self.store.log_tile(id, width).await,
            TilePath::Entries(index, width) => self.store.log_bundle(index, width).await,
        };
        match bytes {
            Ok(Some(bytes)) => Reply::ok("application/octet-stream", bytes).cached(FOR_EVER),
            Ok(None) => nothing("the log is not that long"),
            Err(error) => ours(&error),
        }
    }

    /// Another log's checkpoint, to be witnessed: `POST /log/add-checkpoint`.
    pub async fn witness(&self, body: &[u8], now: Timestamp) -> Reply {
        let malformed = "expected `old SIZE`, a proof, an empty line and a checkpoint (C2SP tlog-witness)";
        let request = std::str::from_utf8(body).ok().and_then(AddCheckpoint::parse);
        let note = request.as_ref().and_then(|r| Note::parse(&r.checkpoint).ok());
        let origin = note.and_then(|note| Checkpoint::parse(&note.text).ok()).map(|c| c.origin);
        let (Some(request), Some(origin)) = (request, origin) else {
            return problem(StatusCode::BAD_REQUEST, "Not a checkpoint", malformed);
        };
        let logs = self.county.load().evidence.witnessed.clone();
        // What is not witnessed here is no reason to ask the store.
        if !logs.iter().any(|key| key.name() == origin) {
            return nothing("this server witnesses no log of that name");
        }
        let judge = move |seen| {
            let answer = witness(&request, &logs, |_| seen);
            let head = match &answer {
                Answer::Cosign { checkpoint, .. } => Some(checkpoint.head()),
                _ => None,
            };
            (answer, head)
        };
        match self.store.witness(origin, judge).await {
            Ok(Answer::Cosign { text, .. }) => {
                Reply::ok(TEXT, self.logbook.witness.cosign(&text, now.as_second().max(0) as u64))
            }
            Ok(Answer::Conflict(size)) => {
                Reply::ok("text/x.tlog.size", format!("{size}\n")).with_status(StatusCode::CONFLICT)
            }
            Ok(Answer::Malformed) => problem(StatusCode::BAD_REQUEST, "Not a checkpoint", malformed),
            Ok(Answer::Forbidden) => {
                let detail = "it is not signed with the key that this server knows the log by";
                problem(StatusCode::FORBIDDEN, "Not that log's", detail)
            }
            Ok(Answer::Unknown) => nothing("this server witnesses no log of that name"),
            Ok(Answer::Inconsistent) => {
                let detail = "the proof does not lead from the last checkpoint that was seen to this one";
                problem(StatusCode::UNPROCESSABLE_ENTITY, "Not a continuation", detail)
            }
            Err(error) => ours(&error),
        }
    }
}

fn nothing(detail: &str) -> Reply {
    problem(StatusCode::NOT_FOUND, "Not found", detail).with(header::CACHE_CONTROL, "no-store")
}

fn ours(error: &crate::store::StoreError) -> Reply {
    tracing::error!(%error, "the log could not be read");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "Our mistake", "the log could not be read")
}
