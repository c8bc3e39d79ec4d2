//! Terminals that enrolled with a code, and the codes that were given out.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::base::TerminalId;
use crate::people::{AuditEntry, SecretHash};
use crate::sites::{Enrolment, Terminal, TokenHash};

use super::audit::audit;
use super::{Store, StoreError, us};

impl Store {
    /// The terminals that enrolled, in the order of their identifiers.
    pub async fn terminals(&self) -> Result<Vec<Terminal>, StoreError> {
        self.read(|db| {
            let mut query =
                db.prepare_cached("select id, token, site, names, device from terminal order by id")?;
            let rows = query.query_map([], |r| Ok((r.get("id")?, r.get("token")?, place(r)?)))?;
            rows.map(|row| {
                let (id, token, place): (String, [u8; 32], StoredPlace) = row?;
                let Enrolment { site, names, device } = place.read()?;
                let id = serde_json::from_value(serde_json::Value::String(id))?;
                Ok(Terminal { id, site, names, device, token: TokenHash(token) })
            })
            .collect()
        })
        .await
    }

    /// Gives codes out, each with what it is for and its line of the audit log.
    pub async fn add_enrolments(
        &self,
        given: Vec<(SecretHash, Enrolment, AuditEntry)>,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            for (code, enrolment, entry) in &given {
                db.execute(
                    "insert into enrolment values (?1, ?2, ?3, ?4, ?5)",
                    params![
                        code.0,
                        enrolment.site.as_str(),
                        serde_json::to_string(&enrolment.names)?,
                        device_text(enrolment)?,
                        us(expires)
                    ],
                )?;
                db.execute("delete from enrolment where expires_us < ?1", [us(entry.at)])?;
                audit(db, entry)?;
            }
            Ok(())
        })
        .await
    }

    /// What a code is for.
    pub async fn enrolment(&self, code: SecretHash, now: Timestamp) -> Result<Option<Enrolment>, StoreError> {
        self.read(move |db| {
            let query = "select site, names, device from enrolment where hash = ?1 and expires_us > ?2";
            db.query_row(query, params![code.0, us(now)], place)
                .optional()?
                .map(StoredPlace::read)
                .transpose()
        })
        .await
    }

    /// Uses a code up and stores the terminal that it made; false if somebody was faster.
    pub async fn enrol(
        &self,
        code: SecretHash,
        terminal: Terminal,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let used = "delete from enrolment where hash = ?1 and expires_us > ?2";
            if db.execute(used, params![code.0, us(entry.at)])? == 0 {
                return Ok(false);
            }
            let Terminal { id, site, names, device, token } = terminal;
            let place = Enrolment { site, names, device };
            db.execute(
                "insert into terminal values (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id.as_str(),
                    place.site.as_str(),
                    serde_json::to_string(&place.names)?,
                    device_text(&place)?,
                    token.0,
                    us(entry.at)
                ],
            )?;
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// Takes a terminal's right away.
    pub async fn withdraw_terminal(&self, id: TerminalId, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute("delete from terminal where id = ?1", [id.as_str()])?;
            audit(db, &entry)
        })
        .await
    }
}

fn device_text(place: &Enrolment) -> Result<String, StoreError> {
    Ok(serde_json::to_string(&place.device)?.trim_matches('"').to_owned())
}

/// Where a terminal stands, as SQLite holds it.
struct StoredPlace {
    site: String,
    names: String,
    device: String,
}

fn place(r: &Row<'_>) -> rusqlite::Result<StoredPlace> {
    Ok(StoredPlace { site: r.get("site")?, names: r.get("names")?, device: r.get("device")? })
}

impl StoredPlace {
    fn read(self) -> Result<Enrolment, StoreError> {
        let text = serde_json::Value::String;
        Ok(Enrolment {
            site: serde_json::from_value(text(self.site))?,
            names: serde_json::from_str(&self.names)?,
            device: serde_json::from_value(text(self.device))?,
        })
    }
}
