//! Alarms: what has been wrong for too long is told to whoever has to come.

mod book;
mod send;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::base::{Clock, Lang, LessonId, Shutdown, Titles};
use crate::channel::{AiringSource, SlateReason};
use crate::config::County;
use crate::courseware::{Catalogue, Library};
use crate::delivery::{Channels, MediaSources};
use crate::portal::i18n;
use crate::relay::{RelayHealth, State};
use crate::store::{Event, Store};

use book::{Book, Change, Trouble};
use send::Notice;

/// How often it is looked for troubles.
const LOOK: Duration = Duration::from_secs(1);

/// What the task works with.
#[derive(Debug, Clone)]
pub(super) struct Alarming {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) channels: Arc<Channels>,
    pub(super) sources: Arc<MediaSources>,
    pub(super) library: Library,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
}

impl Alarming {
    /// Looks and tells until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut book = Book::default();
        // Telling takes long where nobody answers; who stops does not wait for it.
        let mut telling = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            while telling.try_join_next().is_some() {}
            let (county, now) = (self.county.load_full(), self.clock.now());
            let after = SignedDuration::try_from(county.alarms.after).unwrap_or(SignedDuration::MAX);
            for (trouble, change, since) in book.look(self.troubles(&county), after, now) {
                let notice = notice((&county, &self.library.catalogue()), &trouble, change, since, now);
                match change {
                    Change::Raised => tracing::warn!(subject = trouble.subject, "alarm: {}", notice.title),
                    Change::Cleared => {
                        tracing::info!(subject = trouble.subject, "alarm over: {}", notice.title)
                    }
                }
                self.record(&trouble, change, since, now).await;
                if let Some(url) = county.alarms.webhook.clone() {
                    telling.spawn(send::post(url, notice.clone()));
                }
                if let Some(mail) = county.alarms.mail.clone() {
                    telling.spawn(send::mail(mail, notice));
                }
            }
        }
    }

    fn troubles(&self, county: &County) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        for channel in &county.channels {
            let Some(on_air) = self.channels.get(&channel.id) else { continue };
            let lost = |a: &crate::channel::Airing| {
                matches!(&a.source, AiringSource::Slate { reason: SlateReason::Lost, .. })
            };
            if on_air.timeline().open().is_some_and(lost) {
                troubles.push(Trouble { subject: format!("channel/{}", channel.id), kind: "slate" });
            }
        }
        for (id, handle) in self.sources.relays().iter() {
            let health = handle.health.load();
            let kinds = kinds(&health).into_iter();
            troubles.extend(kinds.map(|kind| Trouble { subject: format!("relay/{id}"), kind }));
            if health.short {
                troubles.push(Trouble { subject: "disk".into(), kind: "short" });
            }
        }
        for (id, _) in self.library.catalogue().damaged() {
            troubles.push(Trouble { subject: format!("lesson/{id}"), kind: "damaged" });
        }
        troubles.dedup();
        troubles
    }

    async fn record(&self, trouble: &Trouble, change: Change, since: Timestamp, now: Timestamp) {
        let kind = match change {
            Change::Raised => "alarm",
            Change::Cleared => "alarm-over",
        };
        let (subject, detail) = (trouble.subject.clone(), format!("{} since {since:.0}", trouble.kind));
        let event = Event { at: now, subject, kind: kind.to_owned(), detail };
        if let Err(error) = self.store.record_event(event).await {
            tracing::error!(%error, "an event could not be stored");
        }
    }
}

/// What is wrong with a relay whose segments come; a lost one shows on its channels.
fn kinds(health: &RelayHealth) -> Vec<&'static str> {
    let live = health.state == State::Live;
    let faults = health.faults;
    let all = [
        ("backup", health.source > 0),
        ("black", faults.black),
        ("frozen", faults.frozen),
        ("silent", faults.silent),
    ];
    all.into_iter().filter(|(_, there)| live && *there).map(|(kind, _)| kind).collect()
}

fn notice(
    (county, lessons): (&County, &Catalogue),
    trouble: &Trouble,
    change: Change,
    since: Timestamp,
    now: Timestamp,
) -> Notice {
    let lang = county.languages.first().cloned().or_else(|| Lang::new("zh-Hans").ok());
    let Some(lang) = lang else { unreachable!("zh-Hans is a language") };
    let name = |names: &Titles| names.best(&lang).map(|(_, name)| name.to_owned());
    let (family, id) = trouble.subject.split_once('/').unwrap_or((&trouble.subject, ""));
    let names = match family {
        "channel" => county.channels.iter().find(|c| c.id.as_str() == id).and_then(|c| name(&c.names)),
        "relay" => county.relays.iter().find(|r| r.id.as_str() == id).and_then(|r| name(&r.names)),
        "lesson" => LessonId::new(id).ok().and_then(|id| name(&lessons.known(&id)?.manifest.titles)),
        _ => None,
    };
    let name = names.unwrap_or_else(|| id.to_owned());
    let clock = |at: Timestamp| at.to_zoned_datetime(county.tz.clone()).strftime("%m-%d %H:%M").to_string();
    let key = match trouble.kind {
        "slate" => "alarm-lost",
        "backup" => "alarm-backup",
        "black" => "alarm-black",
        "frozen" => "alarm-frozen",
        "silent" => "alarm-silent",
        "damaged" => "alarm-damaged",
        _ => "alarm-short",
    };
    let said = i18n::text(&lang, key, &[("name", &name), ("time", &clock(since))]);
    let over = i18n::text(&lang, "alarm-over", &[("time", &clock(now))]);
    let (said, title) = match change {
        Change::Raised => (said.clone(), said),
        Change::Cleared => (format!("{over}\n{said}"), format!("{over} {said}")),
    };
    let title = if family == "channel" { format!("{name}: {title}") } else { title };
    let document = serde_json::json!({
        "subject": trouble.subject,
        "kind": trouble.kind,
        "change": change,
        "since": since,
        "at": now,
        "name": name,
        "text": title,
    });
    Notice { text: said, title, document }
}
