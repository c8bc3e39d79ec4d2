//! The log of evidence: entries, the tiles of their tree, checkpoints.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::base::ChannelId;
use crate::evidence::SessionRecord;
use crate::tlog::{
    Exported, Facts, Hash, Head, InTiles, Salt, Sealed, SessionFacts, TileId, Tiles, WIDTH, append, around,
    blocks, consistency, root, tree_root,
};

use super::studies::add_played;
use super::{Store, StoreError, us};

/// Playbacks that are logged in one go.
const AT_ONCE: i64 = 500;

/// A stretch of the log, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its entries, with one more on either side.
    pub entries: Vec<Exported>,
    /// [`around`] them.
    pub around: Vec<Hash>,
    /// The roots of their [`blocks`].
    pub blocks: Vec<Hash>,
    /// Earlier checkpoints, oldest first, and that the log only grew since.
    pub history: Vec<(String, Vec<Hash>)>,
}

impl Store {
    /// Logs playbacks that have closed at `now`, as many as one commit should hold, and adds them
    /// to what their sites played by day, which ends where `tz` says; how many were.
    pub async fn log_sessions(&self, now: Timestamp, tz: TimeZone) -> Result<usize, StoreError> {
        self.write(move |db| {
            let mut query = db.prepare_cached(
                "select id, record from session
                 where entry is null and closed_us is not null and opened_us is not null
                 order by closed_us limit ?1",
            )?;
            let rows =
                query.query_map([AT_ONCE], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
            let mut wanted = Vec::new();
            for row in rows {
                let (id, body) = row?;
                let record: SessionRecord = serde_json::from_str(&body)?;
                if let Some(facts) = SessionFacts::of(&record) {
                    add_played(db, &record, &tz)?;
                    wanted.push((id, Facts::Session(facts), body));
                }
            }
            let facts = wanted.iter().map(|(_, facts, body)| (facts.clone(), body.as_str(), false)).collect();
            let first = add(db, facts, now)?;
            let mut mark = db.prepare_cached("update session set entry = ?2 where id = ?1")?;
            for ((id, _, _), no) in wanted.iter().zip(first..) {
                mark.execute(params![id, no as i64])?;
            }
            Ok(wanted.len())
        })
        .await
    }

    /// Of each channel when it first had something on air, and which of its days from `since` on
    /// are in the log.
    pub async fn logged_days(
        &self,
        channels: Vec<ChannelId>,
        since: Date,
    ) -> Result<Vec<(ChannelId, Option<Timestamp>, BTreeSet<Date>)>, StoreError> {
        self.read(move |db| {
            let mut first = db.prepare_cached("select start_us from airing where channel = ?1 and no = 0")?;
            let mut days = db.prepare_cached("select day from log_day where channel = ?1 and day >= ?2")?;
            let mut out = Vec::with_capacity(channels.len());
            for channel in channels {
                let began: Option<i64> = first.query_row([channel.as_str()], |r| r.get(0)).optional()?;
                let key = params![channel.as_str(), since.to_string()];
                let known = days.query_map(key, |r| r.get::<_, String>(0))?;
                let known = known.filter_map(|day| day.ok()?.parse().ok()).collect();
                out.push((channel, began.and_then(|us| Timestamp::from_microsecond(us).ok()), known));
            }
            Ok(out)
        })
        .await
    }

    /// Logs a day of a channel that is over, if it is not in the log: airings that began in
    /// `[from, to)`.
    pub async fn log_day(
        &self,
        channel: ChannelId,
        (day, from, to): (Date, Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            let known = "select 1 from log_day where channel = ?1 and day = ?2";
            let key = params![channel.as_str(), day.to_string()];
            if db.query_row(known, key, |_| Ok(())).optional()?.is_some() {
                return Ok(());
            }
            let mut query = db.prepare_cached(
                "select body, segments from airing where channel = ?1 and start_us >= ?2 and start_us < ?3
                 order by no",
            )?;
            let mut rows = query.query(params![channel.as_str(), us(from), us(to)])?;
            let mut airings: Vec<serde_json::Value> = Vec::new();
            while let Some(row) = rows.next()? {
                let mut airing: serde_json::Value = serde_json::from_str(&row.get::<_, String>(0)?)?;
                // What it came to stands beside the row it was opened with.
                airing["segments"] = serde_json::to_value(row.get::<_, Option<i64>>(1)?)?;
                airings.push(airing);
            }
            let facts = Facts::AsRunDay { channel: channel.clone(), day, airings: airings.len() as u64 };
            let body = serde_json::to_string(&airings)?;
            let no = add(db, vec![(facts, &body, true)], now)?;
            db.execute(
                "insert into log_day values (?1, ?2, ?3)",
                params![channel.as_str(), day.to_string(), no as i64],
            )?;
            Ok(())
        })
        .await
    }

    /// Signs the log as it is, if it has grown since it last was; `sign` is given its size and
    /// its root. Of days that are over the last checkpoint is kept.
    pub async fn sign_log(
        &self,
        now: Timestamp,
        sign: impl FnOnce(Head) -> String + Send + 'static,
    ) -> Result<Option<String>, StoreError> {
        self.write(move |db| {
            let size = size(db)?;
            let last: Option<i64> = db.query_row("select max(size) from log_checkpoint", [], |r| r.get(0))?;
            if last.is_some_and(|last| last as u64 >= size) {
                return Ok(None);
            }
            let note = sign((size, tree_root(&InTiles(&InStore(db)), size)?));
            db.execute(
                "insert into log_checkpoint values (?1, ?2, ?3)",
                params![size as i64, us(now), note],
            )?;
            db.execute(
                "delete from log_checkpoint where at_us < ?1 and size not in
                     (select max(size) from log_checkpoint group by at_us / 86400000000)",
                [us(now) - 2 * 86_400_000_000],
            )?;
            Ok(Some(note))
        })
        .await
    }

    /// Adds a witness's line to a checkpoint that has none of his.
    pub async fn add_cosignature(&self, size: u64, line: String) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute(
                "update log_checkpoint set note = note || ?2 where size = ?1 and instr(note, ?2) = 0",
                params![size as i64, line],
            )?;
            Ok(())
        })
        .await
    }

    /// The newest checkpoint: its size, and the signed note.
    pub async fn checkpoint(&self) -> Result<Option<(u64, String)>, StoreError> {
        self.read(|db| {
            let newest = "select size, note from log_checkpoint order by size desc limit 1";
            let row = db.query_row(newest, [], |r| Ok((r.get::<_, i64>(0)? as u64, r.get(1)?)));
            Ok(row.optional()?)
        })
        .await
    }

    /// That the log of `new` entries begins with that of `old`.
    pub async fn log_consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        self.read(move |db| consistency(&InTiles(&InStore(db)), old, new)).await
    }

    /// The first `width` hashes of a tile; none if it has fewer.
    pub async fn log_tile(&self, id: TileId, width: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |db| {
            let hashes = InStore(db).tile(id)?;
            Ok(hashes.get(..width).map(<[Hash]>::as_flattened).map(<[u8]>::to_vec))
        })
        .await
    }

    /// The entries whose hashes are the first `width` of a tile on level 0, each after its
    /// length, two bytes; none if there are fewer.
    pub async fn log_bundle(&self, index: u64, width: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("select leaf from log_entry where no >= ?1 order by no limit ?2")?;
            let first = index.saturating_mul(WIDTH as u64).min(i64::MAX as u64) as i64;
            let leaves = query.query_map(params![first, width as i64], |r| r.get::<_, String>(0))?;
            let (mut bundle, mut count) = (Vec::new(), 0);
            for leaf in leaves {
                let leaf = leaf?;
                // An entry has a few hundred bytes.
                let length = u16::try_from(leaf.len()).map_err(|_| StoreError::Closed)?;
                bundle.extend(length.to_be_bytes());
                bundle.extend(leaf.as_bytes());
                count += 1;
            }
            Ok((count == width).then_some(bundle))
        })
        .await
    }

    /// What was logged in `[from, to)`, against the checkpoint of `size` entries, with every
    /// earlier checkpoint that is kept and, where it is asked for, a proof for one of `since`
    /// entries.
    pub async fn log_stretch(
        &self,
        (from, to): (Timestamp, Timestamp),
        size: u64,
        since: Option<(u64, String)>,
    ) -> Result<(u64, Stretch), StoreError> {
        self.read(move |db| {
            let first_at = |at: Timestamp| -> Result<u64, StoreError> {
                let first = "select min(no) from log_entry where at_us >= ?1";
                let no: Option<i64> = db.query_row(first, [us(at)], |r| r.get(0))?;
                Ok(no.map_or(size, |no| no as u64).min(size))
            };
            let first = first_at(from)?.saturating_sub(1);
            let end = (first_at(to)? + 1).min(size).max(first);
            let entries = entries(db, (first, end), (from, to))?;
            let nodes = InTiles(&InStore(db));
            let roots = blocks((first, end)).into_iter();
            let roots = roots.map(|(at, count)| root(&nodes, at, at + count)).collect::<Result<_, _>>()?;
            let mut query =
                db.prepare_cached("select size, note from log_checkpoint where size < ?1 order by size")?;
            let rows = query.query_map([size as i64], |r| Ok((r.get::<_, i64>(0)? as u64, r.get(1)?)))?;
            let mut history: Vec<(u64, String)> = rows.collect::<Result<_, _>>()?;
            history.extend(since.filter(|(old, _)| *old < size && !history.iter().any(|(s, _)| s == old)));
            history.sort_unstable();
            let history = history.into_iter().map(|(old, note)| Ok((note, consistency(&nodes, old, size)?)));
            let history = history.collect::<Result<_, StoreError>>()?;
            Ok((
                first,
                Stretch { entries, around: around(&nodes, (first, end), size)?, blocks: roots, history },
            ))
        })
        .await
    }

    /// Judges what is asked of this server as a witness, and keeps what it saw in the same
    /// step: `judge` is given the last head of a log, and returns the one to be kept.
    pub async fn witness<T: Send + 'static>(
        &self,
        origin: String,
        judge: impl FnOnce(Option<Head>) -> (T, Option<Head>) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write(move |db| {
            let seen = "select size, root from log_seen where origin = ?1";
            let seen = db.query_row(seen, [&origin], |r| Ok((r.get::<_, i64>(0)? as u64, r.get(1)?)));
            let (answer, head) = judge(seen.optional()?);
            if let Some((size, root)) = head {
                db.execute(
                    "insert into log_seen values (?1, ?2, ?3)
                     on conflict do update set size = excluded.size, root = excluded.root",
                    params![origin, size as i64, root],
                )?;
            }
            Ok(answer)
        })
        .await
    }
}

/// Number of entries.
fn size(db: &Connection) -> Result<u64, StoreError> {
    let last: Option<i64> = db.query_row("select max(no) from log_entry", [], |r| r.get(0))?;
    Ok(last.map_or(0, |no| no as u64 + 1))
}

/// Adds entries with these facts and bodies, which are kept beside them where nothing else
/// does; the number of the first.
pub(super) fn add(
    db: &Connection,
    facts: Vec<(Facts, &str, bool)>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let last: Option<i64> = db.query_row("select max(at_us) from log_entry", [], |r| r.get(0))?;
    // A clock that was set back changes no order.
    let at = last.and_then(|us| Timestamp::from_microsecond(us).ok()).map_or(now, |last| last.max(now));
    let first = size(db)?;
    let mut insert = db.prepare_cached("insert into log_entry values (?1, ?2, ?3, ?4, ?5)")?;
    let mut leaves = Vec::with_capacity(facts.len());
    for ((facts, body, keep), no) in facts.into_iter().zip(first..) {
        let mut salt = Salt::default();
        getrandom::fill(&mut salt).map_err(|_| StoreError::NoRandomness)?;
        let sealed = Sealed::new(facts, at, salt, body)?;
        let body = keep.then_some(body);
        insert.execute(params![no as i64, us(sealed.entry.at), sealed.leaf, salt, body])?;
        leaves.push(sealed.hash());
    }
    let changed = append(first, &leaves, |id| InStore(db).tile(id))?;
    let mut save = db.prepare_cached("insert or replace into log_tile values (?1, ?2, ?3)")?;
    for (id, hashes) in changed {
        save.execute(params![id.level, id.index as i64, hashes.as_flattened()])?;
    }
    Ok(first)
}

/// The entries `[first, end)`; those of the period with their bodies.
fn entries(
    db: &Connection,
    (first, end): (u64, u64),
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Exported>, StoreError> {
    let mut query = db.prepare_cached(
        "select no, at_us, leaf, salt, coalesce(log_entry.body, session.record) from log_entry
         left join session on session.entry = log_entry.no where no >= ?1 and no < ?2 order by no",
    )?;
    let mut rows = query.query(params![first as i64, end as i64])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(1)?;
        let is_inside = (us(from)..us(to)).contains(&at);
        let (salt, body): (Option<Salt>, Option<String>) = (row.get(3)?, row.get(4)?);
        out.push(Exported {
            no: row.get::<_, i64>(0)? as u64,
            leaf: row.get(2)?,
            body: salt.zip(body).filter(|_| is_inside),
        });
    }
    Ok(out)
}

/// Tiles in the store.
pub(super) struct InStore<'a>(pub(super) &'a Connection);

impl Tiles for InStore<'_> {
    type Error = StoreError;

    fn tile(&self, id: TileId) -> Result<Vec<Hash>, StoreError> {
        let mut query = self.0.prepare_cached("select hashes from log_tile where level = ?1 and no = ?2")?;
        let hashes: Option<Vec<u8>> =
            query.query_row(params![id.level, id.index as i64], |r| r.get(0)).optional()?;
        let hashes = hashes.unwrap_or_default();
        Ok(hashes.as_chunks::<32>().0.to_vec())
    }

    fn missing(&self, id: TileId) -> StoreError {
        StoreError::Tile { level: id.level, index: id.index }
    }
}
