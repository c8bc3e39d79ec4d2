//! Group studies, their corrections, and what their sites played meanwhile.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::base::{AccountId, IntervalSet, SiteId, day_of, day_span};
use crate::evidence::{SessionRecord, Study, Wall};
use crate::people::AuditEntry;

use super::audit::audit;
use super::logged_studies::log_pending;
use super::{Store, StoreError, us};

/// A group study and where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStudy {
    /// Its number.
    pub id: i64,
    /// What was written down.
    pub study: Study,
    /// Number of its newest entry in the log of evidence.
    pub entry: Option<u64>,
}

/// What somebody proposed to correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Its number.
    pub id: i64,
    /// As it should be.
    pub study: Study,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// Who decided, and whether it holds; none: it waits.
    pub decided: Option<(AccountId, bool)>,
}

impl Store {
    /// Begins one; none if one is running at the site.
    pub async fn begin_study(&self, study: Study, mut entry: AuditEntry) -> Result<Option<i64>, StoreError> {
        self.write(move |db| {
            let running = "select 1 from study where site = ?1 and end_us is null";
            if db.query_row(running, [study.site.as_str()], |_| Ok(())).optional()?.is_some() {
                return Ok(None);
            }
            db.execute(
                "insert into study (site, start_us, end_us, body) values (?1, ?2, ?3, ?4)",
                params![
                    study.site.as_str(),
                    us(study.start),
                    study.end.map(us),
                    serde_json::to_string(&study)?
                ],
            )?;
            let id = db.last_insert_rowid();
            entry.subject = format!("study/{id}");
            entry.after = format!("site/{}", study.site);
            audit(db, &entry)?;
            Ok(Some(id))
        })
        .await
    }

    /// Ends the one that is running; false if it is not.
    pub async fn end_study(&self, id: i64, study: Study, entry: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |db| {
            let changed = db.execute(
                "update study set end_us = ?2, body = ?3 where id = ?1 and end_us is null",
                params![id, study.end.map(us), serde_json::to_string(&study)?],
            )?;
            if changed > 0 {
                audit(db, &entry)?;
            }
            Ok(changed > 0)
        })
        .await
    }

    /// The one of this number.
    pub async fn study(&self, id: i64) -> Result<Option<StoredStudy>, StoreError> {
        self.read(move |db| {
            let one =
                db.query_row("select id, body, entry from study where id = ?1", [id], row).optional()?;
            one.map(read).transpose()
        })
        .await
    }

    /// Those of these sites (none: of all) that began in `[from, to)`, newest first.
    pub async fn studies(
        &self,
        site: Option<SiteId>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<StoredStudy>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select id, body, entry from study
                 where start_us >= ?1 and start_us < ?2 and (?3 is null or site = ?3) order by start_us desc",
            )?;
            let rows = query.query_map(params![us(from), us(to), site.map(|s| s.to_string())], row)?;
            rows.map(|row| read(row?)).collect()
        })
        .await
    }

    /// Proposes a correction; false if another one waits.
    pub async fn propose_correction(
        &self,
        id: i64,
        (study, reason): (Study, String),
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let waits = "select 1 from study_correction where study = ?1 and approved is null";
            if db.query_row(waits, [id], |_| Ok(())).optional()?.is_some() {
                return Ok(false);
            }
            let by = entry.who.as_ref().map(ToString::to_string).unwrap_or_default();
            db.execute(
                "insert into study_correction (study, body, reason, by, at_us) values (?1, ?2, ?3, ?4, ?5)",
                params![id, serde_json::to_string(&study)?, reason, by, us(entry.at)],
            )?;
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// Decides a correction that waits; one that is approved is what stands from then on, and is
    /// logged again. False if none waits.
    pub async fn decide_correction(
        &self,
        id: i64,
        approved: bool,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let who = entry.who.as_ref().map(ToString::to_string).unwrap_or_default();
            let changed = db.execute(
                "update study_correction set decided_by = ?2, decided_us = ?3, approved = ?4
                 where study = ?1 and approved is null",
                params![id, who, us(entry.at), approved],
            )?;
            if changed == 0 {
                return Ok(false);
            }
            if approved {
                // An erasure that waits is logged for what it is.
                log_pending(db, id, entry.at)?;
                db.execute(
                    "update study set body = c.body, entry = null from
                         (select body from study_correction where study = ?1 and approved = 1
                          order by id desc limit 1) as c
                     where study.id = ?1",
                    [id],
                )?;
            }
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// The corrections of one, oldest first.
    pub async fn corrections(&self, id: i64) -> Result<Vec<Correction>, StoreError> {
        self.read(move |db| corrections(db, id)).await
    }

    /// The group studies of a site (none: of all) that began in `[from, to)`, each with when its
    /// site verifiably played while it ran, as far as that is logged. Days end where `tz` says.
    pub async fn studies_played(
        &self,
        site: Option<SiteId>,
        span: (Timestamp, Timestamp),
        tz: TimeZone,
    ) -> Result<Vec<(StoredStudy, IntervalSet)>, StoreError> {
        let studies = self.studies(site, span).await?;
        self.read(move |db| {
            let instant = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
            let mut out = Vec::with_capacity(studies.len());
            for stored in studies {
                let (from, to) = stored.study.span();
                let days = (day_of(instant(from), &tz), day_of(instant(to), &tz));
                let wall = verified(db, &stored.study.site, days)?.clipped(from, to);
                out.push((stored, wall));
            }
            Ok(out)
        })
        .await
    }

    /// When a site verifiably played on the days `[from, to]`, of playbacks that are logged.
    pub async fn verified_wall(&self, site: SiteId, days: (Date, Date)) -> Result<IntervalSet, StoreError> {
        self.read(move |db| verified(db, &site, days)).await
    }
}

/// When a site verifiably played on the days `[from, to]`.
fn verified(db: &Connection, site: &SiteId, (from, to): (Date, Date)) -> Result<IntervalSet, StoreError> {
    let mut query =
        db.prepare_cached("select verified from site_day where site = ?1 and day >= ?2 and day <= ?3")?;
    let key = params![site.as_str(), from.to_string(), to.to_string()];
    let mut all = IntervalSet::new();
    for row in query.query_map(key, |r| r.get::<_, String>(0))? {
        all.union(&serde_json::from_str(&row?)?);
    }
    Ok(all)
}

type Stored = (i64, String, Option<i64>);

fn row(r: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?))
}

fn read((id, body, entry): Stored) -> Result<StoredStudy, StoreError> {
    Ok(StoredStudy { id, study: serde_json::from_str(&body)?, entry: entry.map(|no| no as u64) })
}

pub(super) fn corrections(db: &Connection, id: i64) -> Result<Vec<Correction>, StoreError> {
    let mut query = db.prepare_cached(
        "select id, body, reason, by, at_us, decided_by, approved from study_correction
         where study = ?1 order by id",
    )?;
    let mut rows = query.query([id])?;
    let mut out = Vec::new();
    let account = |text: String| serde_json::from_value::<AccountId>(serde_json::Value::String(text));
    while let Some(row) = rows.next()? {
        let decided: (Option<String>, Option<bool>) = (row.get(5)?, row.get(6)?);
        let decided = match decided {
            (Some(who), Some(approved)) => Some((account(who)?, approved)),
            _ => None,
        };
        out.push(Correction {
            id: row.get(0)?,
            study: serde_json::from_str(&row.get::<_, String>(1)?)?,
            reason: row.get(2)?,
            by: account(row.get(3)?)?,
            at: Timestamp::from_microsecond(row.get(4)?).unwrap_or(Timestamp::UNIX_EPOCH),
            decided,
        });
    }
    Ok(out)
}

/// Adds a playback to what its site played, by day of the county.
pub(super) fn add_played(db: &Connection, record: &SessionRecord, tz: &TimeZone) -> Result<(), StoreError> {
    let Some(site) = &record.site else { return Ok(()) };
    let mut all = record.wall.watched.clone();
    all.union(&record.wall.verified);
    all.union(&record.wall.sealed);
    let instant = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let ends = all.iter().fold(None, |ends: Option<(i64, i64)>, (from, to)| {
        Some(ends.map_or((from, to), |(first, last)| (first.min(from), last.max(to))))
    });
    let Some((first, last)) = ends else { return Ok(()) };
    let mut day = day_of(instant(first), tz);
    let end = day_of(instant(last - 1), tz);
    let t = &record.totals;
    // Of a playback that passes midnight its first day has the pauses.
    let mut idle = match t.sealed_ms {
        0 => (i64::from(t.watched_ms > 0), t.paused_ms + t.hidden_ms + t.stalled_ms),
        // What paused without a line says nothing of the others.
        _ => (0, 0),
    };
    while day <= end
        && let Ok((from, to)) = day_span(day, tz)
    {
        let clip = |set: &IntervalSet| set.clipped(from.as_millisecond(), to.as_millisecond());
        let wall = Wall {
            watched: clip(&record.wall.watched),
            verified: clip(&record.wall.verified),
            sealed: clip(&record.wall.sealed),
            ..Wall::default()
        };
        add_day(db, site, day, wall, idle)?;
        idle = (0, 0);
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    Ok(())
}

fn add_day(
    db: &Connection,
    site: &SiteId,
    day: Date,
    mut wall: Wall,
    (beating, idle_ms): (i64, i64),
) -> Result<(), StoreError> {
    let known = "select watched, verified, sealed from site_day where site = ?1 and day = ?2";
    let known = db
        .prepare_cached(known)?
        .query_row(params![site.as_str(), day.to_string()], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, Option<String>>(2)?))
        })
        .optional()?;
    if let Some((w, v, s)) = known {
        wall.watched.union(&serde_json::from_str(&w)?);
        wall.verified.union(&serde_json::from_str(&v)?);
        if let Some(s) = s {
            wall.sealed.union(&serde_json::from_str(&s)?);
        }
    }
    let sealed_ms = (!wall.sealed.is_empty()).then(|| wall.sealed_alone_ms());
    let sealed = sealed_ms.map(|_| serde_json::to_string(&wall.sealed)).transpose()?;
    db.prepare_cached(
        "insert into site_day (site, day, watched, verified, watched_ms, verified_ms, sessions, beating, idle_ms,
                               sealed, sealed_ms)
         values (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10)
         on conflict do update set watched = excluded.watched, verified = excluded.verified,
             watched_ms = excluded.watched_ms, verified_ms = excluded.verified_ms, sessions = sessions + 1,
             beating = beating + excluded.beating, idle_ms = idle_ms + excluded.idle_ms,
             sealed = excluded.sealed, sealed_ms = excluded.sealed_ms",
    )?
    .execute(params![
        site.as_str(),
        day.to_string(),
        serde_json::to_string(&wall.watched)?,
        serde_json::to_string(&wall.verified)?,
        wall.watched.total(),
        wall.verified.total(),
        beating,
        idle_ms,
        sealed,
        sealed_ms,
    ])?;
    Ok(())
}
