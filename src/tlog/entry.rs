//! What one entry of the log says: public facts, and a commitment to all the rest.
//!
//! The rest is kept beside the log and shown to whoever may see it. It is salted, so that
//! nobody finds it by trying; without its salt nobody can ever say what it was, and the tree
//! stays as it is.

use jiff::{Timestamp, civil::Date};
use sha2::{Digest as _, Sha256};

use crate::base::{AccountId, ChannelId, SiteId};
use crate::evidence::{Item, SessionRecord, Study};

use super::tree::{Hash, leaf_hash};

/// Keeps a commitment made here from meaning anything elsewhere.
const PURPOSE: &[u8] = b"yuanjiao evidence 1\0";

/// What hides what is committed to.
pub type Salt = [u8; 16];

/// The commitment to `body` under `salt`: `SHA-256("yuanjiao evidence 1\0" || salt || body)`,
/// hexadecimal.
pub fn commitment(salt: &Salt, body: &str) -> String {
    hex::encode(Sha256::new().chain_update(PURPOSE).chain_update(salt).chain_update(body).finalize())
}

/// One entry. Its bytes in the log are its JSON as this type writes it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it was logged, whole seconds; never before the entry before it.
    pub at: Timestamp,
    /// What anybody may know.
    pub facts: Facts,
    /// To the rest.
    pub commitment: String,
}

/// What anybody may know of an entry.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Facts {
    /// A playback that is over. The rest is its [`SessionRecord`].
    Session(SessionFacts),
    /// A group study that has ended, as it was written down. The rest is the [`Study`].
    Study(StudyFacts),
    /// A group study as it stands after a correction that a second person approved. The rest is
    /// the [`Study`] with it, the reason, and who proposed and who approved it.
    StudyCorrected {
        /// The entry that it takes the place of.
        of: u64,
        /// As it stands.
        #[serde(flatten)]
        facts: StudyFacts,
    },
    /// A group study as it stands after a person was erased from it, at that person's request; what
    /// earlier entries of it committed to was erased as well. The rest is the [`Study`].
    StudyErased {
        /// The entry that it takes the place of.
        of: u64,
        /// As it stands.
        #[serde(flatten)]
        facts: StudyFacts,
    },
    /// A photo or a scanned sheet was added to a group study. The rest is the
    /// [`Paper`](crate::evidence::Paper).
    StudyPaper {
        /// The number of the study.
        study: i64,
        /// Its site.
        site: SiteId,
    },
    /// A day of a channel as it was on air. The rest is a list of its airings.
    AsRunDay {
        /// The channel.
        channel: ChannelId,
        /// The day where the county is.
        day: Date,
        /// How many airings began on it.
        airings: u64,
    },
}

/// What anybody may know of a playback: where, when, what and how much; neither which device it
/// was nor what that reported.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionFacts {
    /// The site; none: the public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// What was played.
    pub item: Item,
    /// The lesson's content hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// When it began.
    pub from: Timestamp,
    /// When it closed.
    pub to: Timestamp,
    /// L1, ms.
    pub watched_ms: i64,
    /// L2, ms.
    pub timed_ms: i64,
    /// L3, ms.
    pub verified_ms: i64,
    /// LS, ms; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_ms: Option<i64>,
    /// What was sent, ms of media.
    pub delivered_ms: i64,
}

impl SessionFacts {
    /// Those of a record; none while it is open, or when nothing was played.
    pub fn of(record: &SessionRecord) -> Option<Self> {
        Some(Self {
            site: record.site.clone(),
            item: record.item.clone(),
            content: record.content_hash.clone(),
            from: record.opened?,
            to: record.closed?.0,
            watched_ms: record.totals.watched_ms,
            timed_ms: record.totals.timed_ms,
            verified_ms: record.totals.verified_ms,
            sealed_ms: Some(record.totals.sealed_ms).filter(|ms| *ms > 0),
            delivered_ms: record.totals.delivered_ms,
        })
    }
}

/// What anybody may know of a group study: neither who led it nor who took part.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StudyFacts {
    /// Its number.
    pub study: i64,
    /// The site.
    pub site: SiteId,
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// How many took part, as it was written down.
    pub headcount: u32,
    /// It counts toward a standard, if something was played.
    pub counts: bool,
}

impl StudyFacts {
    /// Those of a group study; none while it is running.
    pub fn of(id: i64, study: &Study) -> Option<Self> {
        Some(Self {
            study: id,
            site: study.site.clone(),
            from: study.start,
            to: study.end?,
            headcount: study.headcount.unwrap_or_default(),
            counts: study.lacks().is_none(),
        })
    }
}

/// A correction with who answers for it: the body of [`Facts::StudyCorrected`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Corrected {
    /// As it stands.
    pub study: Study,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub by: AccountId,
    /// Who approved it.
    pub approved_by: AccountId,
}

/// An entry as it goes into the log, and what is kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The entry.
    pub entry: Entry,
    /// Its bytes.
    pub leaf: String,
    /// What hides the rest.
    pub salt: Salt,
}

impl Sealed {
    /// An entry with these facts, logged at `at`, that commits to `body`.
    pub fn new(facts: Facts, at: Timestamp, salt: Salt, body: &str) -> Result<Self, serde_json::Error> {
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let entry = Entry { at, facts, commitment: commitment(&salt, body) };
        Ok(Self { leaf: serde_json::to_string(&entry)?, entry, salt })
    }

    /// The leaf's hash.
    pub fn hash(&self) -> Hash {
        leaf_hash(self.leaf.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_hides_its_body_and_holds_on_to_it() {
        let facts = Facts::AsRunDay {
            channel: ChannelId::new("xiangtu").expect("an id"),
            day: jiff::civil::date(2026, 11, 27),
            airings: 3,
        };
        let at = "2026-11-27T12:00:00.75Z".parse().expect("an instant");
        let sealed = Sealed::new(facts.clone(), at, [5; 16], "[]").expect("it is written");
        assert_eq!(
            sealed.leaf,
            format!(
                "{{\"at\":\"2026-11-27T12:00:00Z\",\"facts\":{{\"kind\":\"as-run-day\",\"channel\":\"xiangtu\",\
                 \"day\":\"2026-11-27\",\"airings\":3}},\"commitment\":\"{}\"}}",
                commitment(&[5; 16], "[]")
            )
        );
        assert_eq!(serde_json::from_str::<Entry>(&sealed.leaf).expect("it is read"), sealed.entry);
        let other = Sealed::new(facts, at, [6; 16], "[]").expect("it is written");
        assert_ne!(other.hash(), sealed.hash(), "a salt hides what is the same");
    }
}
